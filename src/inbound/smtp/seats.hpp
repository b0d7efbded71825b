// How many connections each client has, and the right to one more.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace countersign::inbound::smtp {

/// Thread-safe. Outlives its seats.
class Seats {
 public:
  /// One connection's place, given back at its end. By default none.
  class Seat {
   public:
    Seat() = default;
    Seat(Seats& seats, boost::asio::ip::address client) : seats_(&seats), client_(std::move(client)) {}
    ~Seat() { give_back(); }
    Seat(Seat&& other) noexcept
        : seats_(std::exchange(other.seats_, nullptr)), client_(std::move(other.client_)) {}
    Seat& operator=(Seat&& other) noexcept {
      give_back();
      seats_ = std::exchange(other.seats_, nullptr);
      client_ = std::move(other.client_);
      return *this;
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    void give_back() noexcept {
      if (seats_ != nullptr) std::exchange(seats_, nullptr)->leave(client_);
    }

   private:
    Seats* seats_ = nullptr;
    boost::asio::ip::address client_;
  };

  explicit Seats(std::size_t per_client_max) : per_client_max_(per_client_max) {}
  /// Nothing when the client has all that it may have. An IPv6 client is its /64.
  [[nodiscard]] std::optional<Seat> take(const boost::asio::ip::address& client);

 private:
  void leave(const boost::asio::ip::address& client) noexcept;

  const std::size_t per_client_max_;
  std::mutex mutex_;
  std::map<boost::asio::ip::address, std::size_t> taken_;
};

}  // namespace countersign::inbound::smtp

// Signals over LISTEN and NOTIFY, on a connection of their own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/descriptor.hpp"
#include "store/signals.hpp"

struct pg_conn;

namespace countersign::store::postgres {

class PostgresSignals final : public Signals {
 public:
  PostgresSignals(std::string url, std::function<void(Topics)> received);
  ~PostgresSignals() override;

  void send(Topics topics) noexcept override;
  void stop() override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Close {
    void operator()(pg_conn* connection) const noexcept;
  };
  using Handle = std::unique_ptr<pg_conn, Close>;

  void loop();
  bool connect();
  void serve();
  bool take_answers();
  void pass_on();
  bool send_pending();
  void wait(int socket, bool to_write, Time until);
  void ring() noexcept;

  const std::string url_;
  const std::function<void(Topics)> received_;
  const Descriptor bell_;  // readable: there is something to send, or to end
  std::atomic<Topics> pending_ = 0;
  std::atomic<bool> stopping_ = false;
  Handle connection_;
  bool listening_ = false;  // LISTEN was answered
  bool busy_ = false;       // a statement waits for its answer
  Time answer_until_;
  Time next_send_;
  std::thread thread_;
};

}  // namespace countersign::store::postgres

// What happened in a schedule, as a hash always and as lines for a reader when asked for.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <ostream>
#include <string_view>

#include "base/time.hpp"

namespace countersign::sim {

class Trace {
 public:
  /// out   where lines go; null: only the hash is kept.
  explicit Trace(std::ostream* out) : out_(out) {}

  /// One thing that happened at `now`. Arguments are texts and integers.
  template <class... Args>
  void note(Duration now, fmt::format_string<Args...> format, Args&&... args) {
    mix(static_cast<std::uint64_t>(now.count()));
    const fmt::string_view text = format;
    mix(std::string_view(text.data(), text.size()));
    (mix(args), ...);
    if (out_ == nullptr) return;
    *out_ << fmt::format("{:>14.6f} s  ", static_cast<double>(now.count()) / 1e6)
          << fmt::vformat(text, fmt::make_format_args(args...)) << '\n';
  }
  /// A detail for a reader; no part of the hash.
  template <class... Args>
  void detail(Duration now, fmt::format_string<Args...> format, Args&&... args) {
    if (out_ == nullptr) return;
    *out_ << fmt::format("{:>14.6f} s    ", static_cast<double>(now.count()) / 1e6)
          << fmt::format(format, std::forward<Args>(args)...) << '\n';
  }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] bool verbose() const noexcept { return out_ != nullptr; }

 private:
  // FNV-1a.
  void mix(std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) {
      hash_ = (hash_ ^ (value & 0xff)) * 0x100000001b3;
      value >>= 8;
    }
  }
  void mix(std::string_view text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  template <class Integer>
    requires std::is_integral_v<Integer>
  void mix(Integer value) {
    mix(static_cast<std::uint64_t>(value));
  }
  void mix(const std::string& text) { mix(std::string_view(text)); }
  void mix(const char* text) { mix(std::string_view(text)); }

  std::ostream* out_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace countersign::sim

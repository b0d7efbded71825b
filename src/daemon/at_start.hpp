// What a server looks at when it starts, so that a setting that leads nowhere is heard of then, and not at
// the first message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "daemon/config.hpp"

namespace countersign::daemon {

/// Reads the files of authorities that these settings use. Throws EnvironmentError with the setting and the
/// file. (smtp.ca_file is read by the relay's client.)
void check_ca_files(const Config& config);

/// Warns of what works and is hardly meant.
void warn_of_settings(const Config& config);

/// `127.0.0.1:8080`, `[::1]:8080`.
[[nodiscard]] std::string authority_of(std::string_view address, std::uint16_t port);

/// An address that a setting says to listen on.
struct ListeningOn {
  std::string_view setting;
  std::string_view address;
  std::uint16_t port;
};
/// Throws `error` again; if it is about one of these addresses, with the setting that chooses another.
[[noreturn]] void rethrow_with_setting(const EnvironmentError& error, std::span<const ListeningOn> places);

}  // namespace countersign::daemon

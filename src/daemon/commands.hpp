// What the program's subcommands do, behind the command line.
//
// Each returns the exit status: kExitOk, or what went wrong. What was asked for goes to `out`; why it was
// refused, and which store a list is of, to `err`. A fault of the surroundings leaves as EnvironmentError,
// which main() reports as kExitEnvironment. serve and bootstrap make a store that is missing and bring an old
// one up to date; the others refuse such a store as a fault of the surroundings.
#pragma once

#include <iosfwd>
#include <ostream>
#include <string_view>

#include "daemon/config.hpp"

namespace countersign::daemon {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;  // check found a violation; bootstrap, account, unknown, dkim: refused
inline constexpr int kExitUsage = 2;    // the command line or the settings are wrong
inline constexpr int kExitEnvironment = 3;  // store, disk, network, address in use

/// Runs the server until SIGTERM, SIGINT or SIGHUP, then drains for at most config.stop_timeout.
int serve(const Config& config);

/// Creates the account `email` and prints one account key, `e2a_acct_` + 64 hexadecimal digits, on a line of
/// its own; it cannot be shown again. Returns kExitRefused, with a reason on `err`, when there is such an
/// account or it is no address.
int bootstrap(const Config& config, std::string_view email, std::ostream& out, std::ostream& err);

/// Sets the password of the account `email` for the console, read as one line from `in`, without echo on a
/// terminal. Signs every browser of the account out. kExitRefused when there is no such account, or the
/// password is too short.
int set_password(const Config& config, std::string_view email, std::istream& in, std::ostream& out,
                 std::ostream& err);

/// Checks the invariants of delivery over the store and writes a verdict to `out`. Changes nothing.
/// Returns kExitRefused when one is violated.
int check(const Config& config, std::ostream& out);

/// Lists the hand-overs of all accounts whose outcome is unknown, newest first, one a line.
int list_unknown(const Config& config, std::ostream& out, std::ostream& err);
/// Shows all that is known of one hand-over, in whatever state. kExitRefused when there is none.
int show_unknown(const Config& config, std::string_view id, std::ostream& out, std::ostream& err);

struct ResolveUnknown {
  std::string id;
  std::string as;  // "sent", "send_again", "give_up"
  std::string note;
};
/// Decides about an unknown hand-over in the name of the operator and shows it as it is then. A running
/// server takes up what is to be sent again at its next look at the queue. kExitRefused when there is none,
/// or it is not unknown; kExitUsage for a decision that is none.
int resolve_unknown(const Config& config, const ResolveUnknown& command, std::ostream& out,
                    std::ostream& err);

struct CreateDkimKey {
  std::string domain;
  std::string algorithm = "rsa";
};
/// Makes a key for outgoing mail of the domain and its subdomains, which signs beside those there are (at
/// most account::kSigningKeysMax together), on a running server within half a minute. Prints the DNS record
/// to publish as a line of a zone file.
int create_dkim_key(const Config& config, const CreateDkimKey& command, std::ostream& out, std::ostream& err);
/// Lists the keys of a domain, or of all for "", with their records; private keys are never shown.
int list_dkim_keys(const Config& config, std::string_view domain, std::ostream& out, std::ostream& err);
/// Ends signing with a key. kExitRefused when there is none of that name that signs.
int retire_dkim_key(const Config& config, std::string_view domain, std::string_view selector,
                    std::ostream& out, std::ostream& err);

}  // namespace countersign::daemon

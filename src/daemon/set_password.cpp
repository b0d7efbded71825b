// `countersign account set-password`: letting a person in, or in again.
#include <termios.h>
#include <unistd.h>

#include <istream>

#include "account/sign_in.hpp"
#include "base/text.hpp"
#include "daemon/commands.hpp"
#include "daemon/open_store.hpp"
#include "daemon/people.hpp"
#include "mail/address.hpp"

namespace countersign::daemon {
namespace {

// A terminal that shows nothing of what is typed, while this stands.
class Silence {
 public:
  Silence() : terminal_(isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~Silence() {
    if (terminal_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  [[nodiscard]] bool terminal() const { return terminal_; }

 private:
  termios before_{};
  bool terminal_;
};

std::string read_password(std::istream& in, std::ostream& out) {
  const Silence silence;
  if (silence.terminal()) out << "New password: " << std::flush;
  std::string password;
  std::getline(in, password);
  if (silence.terminal()) out << '\n';
  return password;
}

}  // namespace

int set_password(const Config& config, std::string_view email, std::istream& in, std::ostream& out,
                 std::ostream& err) {
  const std::string address = mail::normalise(email);
  const std::string password = read_password(in, out);
  const bool usable = is_utf8(password) && code_points(password) >= console::kPasswordCharactersMin &&
                      password.size() <= console::kPasswordBytesMax;
  if (!usable) {
    err << "account: a password has at least 12 characters and at most 1024 bytes\n";
    return kExitRefused;
  }
  const std::string hash = console::hash_password(password, password_cost(config));
  const UtcTime now = SystemClock().now();
  const auto database = open_existing_store(config);
  const bool known = database->write([&](store::Tx& tx) {
    const auto user = account::find_user_by_email(tx, address);
    if (user) {
      account::set_password(tx, user->id, hash, now);
      account::forgive_attempts(tx, account::person_subject(address));
    }
    return user.has_value();
  });
  database->stop();
  if (!known) {
    err << "account: there is no account for " << address << "; `countersign bootstrap` makes one\n";
    return kExitRefused;
  }
  out << "The password of " << address << " is set; every browser of this account is signed out.\n";
  return kExitOk;
}

}  // namespace countersign::daemon

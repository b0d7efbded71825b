#include "provider/feedback/bounce_maildir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>
#include <utility>
#include <variant>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "store/awaitable.hpp"

namespace countersign::provider::feedback {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr std::string_view kSource = "dsn";
constexpr std::size_t kSkippedMax = 10'000;

std::string message_of(int error) { return std::generic_category().message(error); }

struct Unreadable {
  std::string why;
};
struct Gone {};  // another process was faster
using Loaded = std::variant<Bounce, NoBounce, Unreadable, Gone>;

// The first kBounceBytesMax bytes of a plain file; the error number otherwise.
Result<std::string, int> read_prefix(const fs::path& path) {
  // Without O_NONBLOCK a pipe that somebody put there would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat facts{};
  if (file.number() < 0 || ::fstat(file.number(), &facts) != 0) return unexpected(errno);
  if (!S_ISREG(facts.st_mode)) return unexpected(EINVAL);
  std::string bytes(std::min<std::size_t>(static_cast<std::size_t>(facts.st_size), kBounceBytesMax), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::read(file.number(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unexpected(errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

// The three that follow run on the file threads.

asio::awaitable<std::vector<std::string>> list(fs::path folder) {
  std::vector<std::string> names;
  std::error_code error;
  // Bounded by what is skipped plus one round, however many files there are.
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
    if (names.size() == kSkippedMax + kBouncesPerRoundMax) break;
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw EnvironmentError(fmt::format("cannot read {}: {}", folder.string(), error.message()), true);
  }
  std::ranges::sort(names);  // their names begin with the time of their delivery
  co_return names;
}

asio::awaitable<Loaded> load(fs::path path, const ReturnPaths& paths, UtcTime now) {
  const auto raw = read_prefix(path);
  if (!raw && raw.error() == ENOENT) co_return Gone{};
  if (!raw) co_return Unreadable{message_of(raw.error())};
  auto bounce = read_bounce(*raw, {}, paths, now);
  if (!bounce) co_return bounce.error();
  co_return std::move(*bounce);
}

// True when the file is in cur/, or gone.
asio::awaitable<bool> move_to_cur(fs::path folder, std::string name) {
  const std::string seen = name.find(':') == std::string::npos ? name + ":2,S" : name;
  const fs::path cur = folder / "cur";
  if (::mkdir(cur.c_str(), 0700) != 0 && errno != EEXIST) co_return false;
  const bool moved = ::rename((folder / "new" / name).c_str(), (cur / seen).c_str()) == 0 || errno == ENOENT;
  if (!moved) log::error("feedback.bounce_not_moved", {{"file", name}, {"error", message_of(errno)}});
  co_return moved;
}

}  // namespace

BounceMaildir::BounceMaildir(store::Database& database, const Clock& clock, fs::path folder,
                             ReturnPaths paths, asio::thread_pool& files, OutcomeHook hook)
    : database_(database),
      clock_(clock),
      folder_(std::move(folder)),
      paths_(std::move(paths)),
      files_(files),
      hook_(std::move(hook)) {}

void BounceMaildir::count(std::string_view outcome) const {
  if (hook_) hook_(kSource, outcome);
}

asio::awaitable<void> BounceMaildir::sweep() {
  auto listing = list(folder_ / "new");
  std::vector<std::string> names = co_await asio::co_spawn(files_, std::move(listing), asio::use_awaitable);
  std::erase_if(names, [this](const std::string& name) { return skipped_.contains(name); });
  if (names.size() > kBouncesPerRoundMax) names.resize(kBouncesPerRoundMax);
  for (const std::string& name : names) {
    bool done = false;
    try {
      done = co_await take(name);
    } catch (const EnvironmentError& error) {
      if (error.retryable()) throw;  // concerns all that follow as well
      log::error("feedback.not_taken", {{"source", kSource}, {"file", name}, {"error", error.what()}});
    }
    if (!done && skipped_.size() < kSkippedMax) skipped_.insert(name);
  }
}

// True when nothing is left to do for that file.
asio::awaitable<bool> BounceMaildir::take(const std::string& name) {
  auto loading = load(folder_ / "new" / name, paths_, clock_.now());
  const Loaded loaded = co_await asio::co_spawn(files_, std::move(loading), asio::use_awaitable);
  CS_FAULT("feedback.bounce_read");
  if (std::holds_alternative<Gone>(loaded)) co_return true;
  if (const auto* unreadable = std::get_if<Unreadable>(&loaded)) {
    log::warn("feedback.bounce_unreadable", {{"file", name}, {"error", unreadable->why}});
    count("unreadable");
  } else if (const auto* none = std::get_if<NoBounce>(&loaded)) {
    log::info("feedback.ignored", {{"source", kSource}, {"file", name}, {"reason", name_of(*none)}});
    count(name_of(*none));
  } else {
    co_await apply(std::get<Bounce>(loaded));
    CS_FAULT("feedback.bounce_committed");
  }
  auto moving = move_to_cur(folder_, name);
  const bool moved = co_await asio::co_spawn(files_, std::move(moving), asio::use_awaitable);
  CS_FAULT("feedback.bounce_moved");
  co_return moved;
}

asio::awaitable<void> BounceMaildir::apply(const Bounce& bounce) {
  auto body = [&bounce, now = clock_.now()](store::Tx& tx) { return take_bounce(tx, bounce, now); };
  auto written = store::write(database_, std::move(body));
  const std::vector<outbox::FeedbackOutcome> outcomes = co_await std::move(written);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    log::info("feedback.taken", {{"source", kSource},
                                 {"kind", outbox::name_of(bounce.feedback[i].kind)},
                                 {"outcome", outbox::name_of(outcomes[i])},
                                 {"message_id", bounce.message.str()}});
    count(outbox::name_of(outcomes[i]));
  }
}

}  // namespace countersign::provider::feedback

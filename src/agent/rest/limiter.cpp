#include "agent/rest/limiter.hpp"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "account/permits.hpp"
#include "store/error.hpp"

namespace countersign::agent::rest {
namespace {

namespace asio = boost::asio;
using account::PermitBlock;
using account::PermitRequest;

// A block is this part of the limit at most: so much a node may hold back from the others. And it is this
// many times what was spent of the last one, so that a node that dies takes little with it, however often
// nodes die.
constexpr std::int64_t kBlocksPerLimit = 16;
constexpr std::int64_t kGrowth = 2;
constexpr std::size_t kSubjectsTogether = 256;  // in one transaction

std::int64_t seconds_until(UtcTime when, UtcTime now) {
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(when - now).count());
}

// Whether the permits were taken may be unknown. That the request they were for was not carried out is
// certain.
[[noreturn]] void raise(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const store::OutcomeUnknown& unknown) {
    throw store::Unavailable(unknown.what());
  }
}

}  // namespace

class Limiter::Shared : public std::enable_shared_from_this<Shared> {
 public:
  using Answer = std::expected<RateDecision, std::exception_ptr>;
  using Done = std::function<void(Answer)>;

  Shared(std::string name, RateLimit limit, store::Database& database)
      : name_(std::move(name)), limit_(limit), database_(database) {}

  /// The answer, when this node can give it.
  std::optional<RateDecision> take_here(const std::string& subject, UtcTime now) {
    const std::lock_guard lock(mutex_);
    const auto found = holdings_.find(subject);
    if (found == holdings_.end()) return std::nullopt;
    return spend(found->second, now);
  }

  void ask(std::string subject, UtcTime now, Done done) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      waiting_[std::move(subject)].push_back({now, std::move(done)});
      first = !std::exchange(asking_, true);
    }
    if (first) ask_store();
  }

 private:
  struct Holding {
    PermitBlock block;
    std::int64_t left = 0;
    UtcTime refused_until;  // the store has none before
  };
  struct Waiter {
    UtcTime now;
    Done done;
  };
  using Waiting = std::map<std::string, std::vector<Waiter>>;  // in one order on every node: no deadlocks

  // Under the mutex.
  std::optional<RateDecision> spend(Holding& holding, UtcTime now) const {
    const bool allowed = holding.left > 0 && now < holding.block.until;
    if (!allowed && now >= holding.refused_until) return std::nullopt;
    if (allowed) --holding.left;
    RateDecision decision{.allowed = allowed, .limit = limit_.limit};
    decision.remaining = allowed ? holding.block.remaining + holding.left : 0;
    decision.reset_seconds = seconds_until(holding.block.all_at, now);
    if (!allowed) decision.retry_after_seconds = seconds_until(holding.block.next_at, now);
    return decision;
  }

  std::vector<PermitRequest> requests_for(const Waiting& batch) {
    std::vector<PermitRequest> requests;
    for (const auto& [subject, waiters] : batch) {
      PermitRequest request{name_, subject, limit_.limit, limit_.window};
      const auto asked = static_cast<std::int64_t>(waiters.size());
      request.wanted = asked;
      if (const auto found = holdings_.find(subject); found != holdings_.end()) {
        request.unspent = std::exchange(found->second.left, 0);
        const std::int64_t spent = found->second.block.granted - request.unspent;
        request.wanted = std::max(asked, std::min(spent * kGrowth, limit_.limit / kBlocksPerLimit));
        request.unspent_slot = found->second.block.slot;
      }
      requests.push_back(std::move(request));
    }
    return requests;
  }

  // One transaction at a time, for everybody who has come to wait until then.
  void ask_store() {
    auto batch = std::make_shared<Waiting>();
    std::vector<PermitRequest> requests;
    UtcTime now{};
    {
      const std::lock_guard lock(mutex_);
      while (!waiting_.empty() && batch->size() < kSubjectsTogether) {
        batch->insert(waiting_.extract(waiting_.begin()));
      }
      if (batch->empty()) {
        asking_ = false;
        return;
      }
      requests = requests_for(*batch);
      for (const auto& [subject, waiters] : *batch) {
        for (const Waiter& waiter : waiters) now = std::max(now, waiter.now);
      }
    }
    auto body = [requests = std::move(requests), now](store::Tx& tx) {
      std::vector<PermitBlock> blocks;
      for (const PermitRequest& request : requests) blocks.push_back(account::take_permits(tx, request, now));
      return blocks;
    };
    database_.write_async(std::move(body), [self = shared_from_this(), batch,
                                            now](store::Outcome<std::vector<PermitBlock>> outcome) noexcept {
      self->answer(*batch, now, std::move(outcome));
      self->ask_store();
    });
  }

  void answer(Waiting& batch, UtcTime now, store::Outcome<std::vector<PermitBlock>> outcome) {
    std::vector<std::pair<Done, Answer>> answers;
    {
      const std::lock_guard lock(mutex_);
      make_room(now);
      std::size_t number = 0;
      for (auto& [subject, waiters] : batch) {
        Holding* const holding = outcome ? &keep(subject, (*outcome)[number++]) : nullptr;
        for (Waiter& waiter : waiters) {
          answers.emplace_back(std::move(waiter.done), holding != nullptr ? Answer(answer_of(*holding, now))
                                                                          : std::unexpected(outcome.error()));
        }
      }
    }
    for (auto& [done, what] : answers) done(std::move(what));
  }

  Holding& keep(const std::string& subject, const PermitBlock& block) {
    Holding& holding = holdings_[subject];
    holding.block = block;
    holding.left = block.granted;
    // What comes back, comes back when a slot ends; what another node gives back may be asked for then.
    // Where there are some, nobody is refused for their want: a request that began before this answer did may
    // ask after it.
    holding.refused_until = block.remaining > 0 ? UtcTime{} : std::min(block.next_at, block.until);
    return holding;
  }

  // Whoever has waited is answered, also when the slot has ended meanwhile.
  RateDecision answer_of(Holding& holding, UtcTime now) const {
    if (const auto decision = spend(holding, now)) return *decision;
    RateDecision refused{.allowed = false, .limit = limit_.limit, .remaining = 0};
    refused.reset_seconds = seconds_until(holding.block.all_at, now);
    refused.retry_after_seconds = seconds_until(holding.block.next_at, now);
    return refused;
  }

  // What has lapsed goes first; permits that go with the rest count as spent.
  void make_room(UtcTime now) {
    if (holdings_.size() < limit_.keys_max) return;
    std::erase_if(holdings_, [&](const auto& entry) { return entry.second.block.until <= now; });
    if (holdings_.size() >= limit_.keys_max) holdings_.clear();
  }

  const std::string name_;
  const RateLimit limit_;
  store::Database& database_;
  std::mutex mutex_;
  bool asking_ = false;
  Waiting waiting_;
  std::unordered_map<std::string, Holding> holdings_;
};

Limiter::Limiter(std::string name, RateLimit limit, store::Database* shared)
    : alone_(limit),
      shared_(shared == nullptr ? nullptr : std::make_shared<Shared>(std::move(name), limit, *shared)) {}
Limiter::~Limiter() = default;

asio::awaitable<RateDecision> Limiter::take(std::string subject, UtcTime now) {
  if (!shared_) co_return alone_.take(subject, now);
  if (const auto decision = shared_->take_here(subject, now)) co_return *decision;
  auto initiate = [](auto handler, std::shared_ptr<Shared> shared, std::string who, UtcTime when) {
    auto executor = asio::get_associated_executor(handler);
    auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
    // Shared, because std::function wants to be copyable and the handler is move-only.
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    shared->ask(std::move(who), when, [resume, work](Shared::Answer answer) {
      asio::post(work,
                 [resume, what = std::move(answer)]() mutable { std::move (*resume)(std::move(what)); });
    });
  };
  Shared::Answer answer = co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Shared::Answer)>(
      initiate, asio::use_awaitable, shared_, std::move(subject), now);
  if (!answer) raise(answer.error());
  co_return *answer;
}

}  // namespace countersign::agent::rest

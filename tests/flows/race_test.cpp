// One decision: 32 reviewers and the expiry worker go for the same held message at the same moment, again and
// again (delivery.md §1.1).
#include <atomic>
#include <barrier>
#include <thread>

#include "flows/office.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using mailbox::ReviewStatus;

constexpr int kReviewers = 32;
constexpr int kDeciders = kReviewers + 1;
constexpr int kRounds = 1'000;
constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";
constexpr std::string_view kEditedSubject = "Corrected figures";

/// What one decider was told.
struct Told {
  bool won = false;
  bool lost = false;                         // NotPending
  std::optional<ReviewStatus> winner = {};   // as the loser was told
  std::optional<ReviewStatus> decided = {};  // as the winner meant it
  bool edited = false;
  std::string fault = {};
};

Told told_of(const Office::ApproveResult& result, ReviewStatus meant, bool edited) {
  Told told;
  told.won = result.has_value();
  told.decided = meant;
  told.edited = edited;
  if (result) return told;
  if (const auto* lost = std::get_if<approve::NotPending>(&result.error())) {
    told.lost = true;
    told.winner = lost->status;
  }
  return told;
}

Told told_of(const Office::RejectResult& result, ReviewStatus meant) {
  if (result) return told_of(Office::ApproveResult(approve::Decision{}), meant, false);
  return told_of(Office::ApproveResult(unexpected(result.error())), meant, false);
}

class RaceTest : public StoreTest {
 protected:
  RaceTest() {
    office_.add_agent(kAuthor);
    office_.hold_all(kAuthor);
  }

  /// The deciders' clocks differ, as those of people and of a worker do: to reviewers the deadline is just
  /// ahead, to the worker it has come.
  Told decide(int decider, const MessageId& id, UtcTime deadline, account::OnExpiry on_expiry) {
    if (decider == kReviewers) return expire(id, deadline, on_expiry);
    const UtcTime now = deadline - Duration(1);
    if (decider % 3 == 1) {
      const approve::RejectCommand command{office_.owner(), id, fmt::format("reviewer {}", decider), "no"};
      return told_of(db().write([&](store::Tx& tx) { return approve::reject(tx, command, now); }),
                     ReviewStatus::review_rejected);
    }
    approve::ApproveCommand command{office_.owner(), id, fmt::format("reviewer {}", decider), {}, {}};
    if (decider % 3 == 2) {
      command.edit.subject = kEditedSubject;
      command.revision = 1;
    }
    const auto result = db().write([&](store::Tx& tx) {
      return approve::approve_and_send(tx, command, office_.send_step(), kSharedDomain, now);
    });
    return told_of(result, ReviewStatus::review_approved, decider % 3 == 2);
  }

  Told expire(const MessageId& id, UtcTime deadline, account::OnExpiry on_expiry) {
    const approve::Expired expired{office_.owner(), id, on_expiry, deadline};
    if (on_expiry == account::OnExpiry::reject) {
      return told_of(db().write([&](store::Tx& tx) {
        return approve::expire_reject(tx, expired, "ttl_expired", deadline);
      }),
                     ReviewStatus::review_expired_rejected);
    }
    const auto result = db().write([&](store::Tx& tx) {
      return approve::expire_approve_and_send(tx, expired, office_.send_step(), kSharedDomain, {}, deadline);
    });
    return told_of(result, ReviewStatus::review_expired_approved, false);
  }

  void expect_one_winner(const std::vector<Told>& told, const MessageId& id, bool to_itself) {
    const mailbox::Message message = office_.message(id);
    ASSERT_TRUE(message.review_status.has_value());
    int winners = 0;
    for (const Told& one : told) {
      EXPECT_EQ(one.fault, "");
      EXPECT_NE(one.won, one.lost);
      if (one.lost) {
        EXPECT_EQ(one.winner, message.review_status);
      }
      if (!one.won) continue;
      ++winners;
      EXPECT_EQ(message.review_status, one.decided);
      EXPECT_EQ(message.edited, one.edited);
      EXPECT_EQ(message.subject == kEditedSubject, one.edited);
    }
    EXPECT_EQ(winners, 1);
    const bool approved = message.review_status == ReviewStatus::review_approved ||
                          message.review_status == ReviewStatus::review_expired_approved;
    EXPECT_EQ(office_.attempts(id).size(), approved && !to_itself ? 1U : 0U);
    copies_expected_ += approved && to_itself ? 1 : 0;
    const std::vector<std::string> decision{"email.review_requested",
                                            approved ? "email.review_approved" : "email.review_rejected"};
    std::vector<std::string> events = office_.events(id);
    std::erase(events, "email.sent");
    std::erase(events, "email.failed");
    EXPECT_EQ(events, decision);
  }

  Office office_{db()};
  std::int64_t copies_expected_ = 0;
};
COUNTERSIGN_ON_EVERY_STORE(RaceTest);

TEST_P(RaceTest, OfManyDecidersOneWinsAndTheOthersAreToldWhoWon) {
  std::barrier line(kDeciders + 1);
  MessageId id;
  UtcTime deadline;
  auto on_expiry = account::OnExpiry::approve;
  std::vector<Told> told(kDeciders);
  std::vector<std::jthread> deciders;
  deciders.reserve(kDeciders);
  for (int decider = 0; decider < kDeciders; ++decider) {
    deciders.emplace_back([&, decider] {
      for (int round = 0; round < kRounds; ++round) {
        line.arrive_and_wait();
        try {
          told[static_cast<std::size_t>(decider)] = decide(decider, id, deadline, on_expiry);
        } catch (const std::exception& error) {
          told[static_cast<std::size_t>(decider)] = Told{};
          told[static_cast<std::size_t>(decider)].fault = error.what();
        }
        line.arrive_and_wait();
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    const bool to_itself = round % 2 == 0;
    on_expiry = round % 4 < 2 ? account::OnExpiry::approve : account::OnExpiry::reject;
    id = office_.hold(kAuthor, draft_to({std::string(to_itself ? kAuthor : kStranger)}));
    deadline = *office_.message(id).approval_expires_at;
    line.arrive_and_wait();
    line.arrive_and_wait();
    expect_one_winner(told, id, to_itself);
    office_.pass(std::chrono::seconds(1));
  }
  deciders.clear();
  EXPECT_EQ(static_cast<std::int64_t>(office_.inbox(kAuthor).size()), copies_expected_);
  office_.expect_sound();
}

}  // namespace
}  // namespace countersign::test

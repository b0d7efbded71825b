// The acceptance criteria of the project's founding defect: a decision whose COMMIT fails leaves nothing
// behind, and the decision after it delivers once (delivery.md §2). For people and for the clock, on every
// store.
#include <gmock/gmock.h>

#include "base/fault.hpp"
#include "flows/office.hpp"
#include "flows/snapshot.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

using mailbox::ReviewStatus;

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kColleague = "reader@agents.example";
constexpr std::string_view kStranger = "someone@elsewhere.example";

enum class Decider { person, clock };

/// How a held draft leaves: to its own author, to another agent here, to the outside, or both.
struct Route {
  std::string name;
  std::vector<std::string> to;
  std::vector<std::string_view> mailboxes;  // where exactly one copy belongs
  std::size_t submissions;
};

const std::vector<Route>& routes() {
  static const std::vector<Route> all{
      {"self", {std::string(kAuthor)}, {kAuthor}, 0},
      {"colleague", {std::string(kColleague)}, {kColleague}, 0},
      {"outside", {std::string(kStranger)}, {}, 1},
      {"mixed", {std::string(kColleague), std::string(kStranger)}, {kColleague}, 1}};
  return all;
}

class SeedTest : public testing::TestWithParam<std::tuple<Backend, Decider, std::size_t>> {
 protected:
  SeedTest() {
    office_.add_agent(kAuthor);
    office_.add_agent(kColleague);
    office_.hold_all(kAuthor, account::OnExpiry::approve);
  }
  ~SeedTest() override { fault::reset(); }

  [[nodiscard]] const Route& route() const { return routes()[std::get<2>(GetParam())]; }
  [[nodiscard]] bool by_person() const { return std::get<1>(GetParam()) == Decider::person; }

  /// A held draft whose moment of decision has come.
  MessageId held() {
    const MessageId id = office_.hold(kAuthor, draft_to(route().to));
    if (!by_person()) office_.pass(std::chrono::hours(24 * 8));
    return id;
  }
  Office::ApproveResult decide(const MessageId& id) {
    if (!by_person()) return office_.expire_approve(id);
    approve::PendingApprovalEdit edit;
    edit.subject = "Corrected figures";
    return office_.approve(id, edit);
  }

  void expect_delivered_once(const MessageId& id) {
    const mailbox::Message message = office_.message(id);
    EXPECT_EQ(message.review_status,
              by_person() ? ReviewStatus::review_approved : ReviewStatus::review_expired_approved);
    EXPECT_EQ(message.edited, by_person());
    EXPECT_EQ(message.subject, by_person() ? "Corrected figures" : "Quarterly figures");
    EXPECT_EQ(message.delivery_status,
              route().submissions == 0 ? mailbox::DeliveryStatus::sent : mailbox::DeliveryStatus::accepted);
    std::size_t copies = 0;
    for (const std::string_view agent : {kAuthor, kColleague}) {
      for (const mailbox::Message& copy : office_.inbox(agent)) {
        if (copy.rfc_message_id != message.rfc_message_id) continue;
        ++copies;
        EXPECT_EQ(copy.subject, message.subject);
        EXPECT_EQ(office_.events(copy.id), std::vector<std::string>{"email.received"});
      }
    }
    EXPECT_EQ(copies, route().mailboxes.size());
    for (const std::string_view agent : route().mailboxes) EXPECT_EQ(office_.inbox(agent).size(), 1U);
    EXPECT_EQ(office_.attempts(id).size(), route().submissions);
    const std::vector<std::string> events = office_.events(id);
    EXPECT_EQ(std::ranges::count(events, "email.review_approved"), 1);
    EXPECT_EQ(std::ranges::count(events, "email.sent"), route().submissions == 0 ? 1 : 0);
    office_.expect_sound();
  }

  TestStore store_{std::get<0>(GetParam()), one_connection()};
  Office office_{store_.database()};
};

INSTANTIATE_TEST_SUITE_P(Everywhere, SeedTest,
                         testing::Combine(testing::Values(Backend::sqlite, Backend::postgres),
                                          testing::Values(Decider::person, Decider::clock),
                                          testing::Range(std::size_t{0}, routes().size())),
                         [](const auto& instance) {
                           return name_of(std::get<0>(instance.param)) +
                                  (std::get<1>(instance.param) == Decider::person ? "_person_" : "_clock_") +
                                  routes()[std::get<2>(instance.param)].name;
                         });

TEST_P(SeedTest, ADecisionDeliversOnce) {
  const MessageId id = held();
  ASSERT_TRUE(decide(id));
  expect_delivered_once(id);
}

TEST_P(SeedTest, ACommitThatFailsLeavesNothingAndTheNextDecisionDeliversOnce) {
  const MessageId id = held();
  const Snapshot before = snapshot_of(store_.database());

  fault::arm("store.commit", 1, fault::Action::throw_error);
  EXPECT_THROW((void)decide(id), store::Unavailable);

  EXPECT_THAT(differences(before, snapshot_of(store_.database())), testing::IsEmpty());
  EXPECT_EQ(office_.message(id).review_status, ReviewStatus::pending_review);
  EXPECT_TRUE(office_.inbox(kAuthor).empty());
  EXPECT_TRUE(office_.inbox(kColleague).empty());
  EXPECT_TRUE(office_.attempts(id).empty());
  EXPECT_EQ(office_.events(id), std::vector<std::string>{"email.review_requested"});
  office_.expect_sound();

  ASSERT_TRUE(decide(id));
  expect_delivered_once(id);
}

TEST_P(SeedTest, ASecondDecisionIsToldThatItLost) {
  const MessageId id = held();
  ASSERT_TRUE(decide(id));
  const Snapshot decided = snapshot_of(store_.database());
  const auto second = decide(id);
  ASSERT_FALSE(second);
  ASSERT_TRUE(std::holds_alternative<approve::NotPending>(second.error()));
  EXPECT_EQ(std::get<approve::NotPending>(second.error()).status, office_.message(id).review_status);
  EXPECT_THAT(differences(decided, snapshot_of(store_.database())), testing::IsEmpty());
}

// The nth-fault loop: the decision fails at the first point it passes, at the second, … (delivery.md §7).
TEST_P(SeedTest, ADecisionThatFailsAtAnyPointLeavesNothingOrEverything) {
  const MessageId untouched = held();
  fault::reset();
  ASSERT_TRUE(decide(untouched));
  const std::vector<std::string> points = fault::passed();
  ASSERT_GE(points.size(), 5U);

  std::map<std::string, int> passages;
  for (const std::string& point : points) {
    SCOPED_TRACE(point + " failed");
    TestStore store(std::get<0>(GetParam()), one_connection());
    Office office(store.database());
    office.add_agent(kAuthor);
    office.add_agent(kColleague);
    office.hold_all(kAuthor, account::OnExpiry::approve);
    const MessageId id = office.hold(kAuthor, draft_to(route().to));
    if (!by_person()) office.pass(std::chrono::hours(24 * 8));
    const auto approve = [&] { return by_person() ? office.approve(id) : office.expire_approve(id); };
    const Snapshot before = snapshot_of(store.database());

    fault::reset();
    fault::arm(point, ++passages[point], fault::Action::throw_error);
    try {
      EXPECT_TRUE(approve());
    } catch (const EnvironmentError&) {
      fault::reset();
      EXPECT_THAT(differences(before, snapshot_of(store.database())), testing::IsEmpty());
      office.expect_sound();
      EXPECT_TRUE(approve());
    }
    fault::reset();
    for (const std::string_view agent : route().mailboxes) EXPECT_EQ(office.inbox(agent).size(), 1U);
    EXPECT_EQ(office.attempts(id).size(), route().submissions);
    office.expect_sound();
    EXPECT_FALSE(approve());
  }
}

}  // namespace
}  // namespace countersign::test

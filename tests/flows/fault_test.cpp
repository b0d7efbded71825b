// The nth-fault loop over single transactions: each fails at the first point it passes, at the second, …;
// what failed has left nothing, and doing it again gives exactly what an undisturbed run gives (delivery.md
// §7).
#include "base/fault.hpp"

#include <gmock/gmock.h>

#include "flows/office.hpp"
#include "flows/snapshot.hpp"
#include "provider/loopback/deliver_inbound.hpp"
#include "support/stores.hpp"

namespace countersign::test {
namespace {

constexpr std::string_view kAuthor = "writer@agents.example";
constexpr std::string_view kColleague = "reader@agents.example";
constexpr auto kWeek = std::chrono::hours(24 * 7);

using Action = std::function<void()>;

/// What leads up to a transaction; returns the transaction.
struct Scenario {
  std::string name;
  std::function<Action(Office&)> prepare;
};

mailbox::Draft mixed_draft() {
  return draft_to({std::string(kColleague), "a@elsewhere.example", "b@elsewhere.example"});
}

/// An attempt at a message for two recipients outside, claimed and past the fence.
outbox::Claim handed_over(Office& office) {
  office.send(kAuthor, draft_to({"a@elsewhere.example", "b@elsewhere.example"}));
  office.pass(std::chrono::seconds(1));
  const outbox::Claim claim = office.claim().at(0);
  EXPECT_TRUE(office.fence(claim));
  return claim;
}

Scenario recording(std::string name, outbox::Verdict verdict) {
  return {std::move(name), [verdict](Office& office) -> Action {
            outbox::Answer answer;
            answer.verdict = verdict;
            answer.provider = "scripted";
            answer.recipients = {{"b@elsewhere.example", outbox::Verdict::deferred, 452, "full"}};
            return
                [&office, answer, claim = handed_over(office)] { EXPECT_TRUE(office.record(claim, answer)); };
          }};
}

Scenario deciding(std::string name, bool in_time,
                  const std::function<bool(Office&, const MessageId&)>& decide) {
  return {std::move(name), [in_time, decide](Office& office) -> Action {
            office.hold_all(kAuthor);
            const MessageId id = office.hold(kAuthor, mixed_draft());
            office.pass(in_time ? std::chrono::hours(1) : kWeek);
            return [&office, id, decide] { EXPECT_TRUE(decide(office, id)); };
          }};
}

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  all.push_back({"send", [](Office& office) -> Action {
                   return [&office, id = office.next_id()] {
                     EXPECT_TRUE(office.submit(kAuthor, mixed_draft(), id));
                   };
                 }});
  all.push_back({"hold", [](Office& office) -> Action {
                   office.hold_all(kAuthor);
                   return [&office, id = office.next_id()] {
                     EXPECT_TRUE(office.submit(kAuthor, mixed_draft(), id));
                   };
                 }});
  all.push_back(deciding("approve", true, [](Office& office, const MessageId& id) {
    approve::PendingApprovalEdit edit;
    edit.subject = "Corrected figures";
    edit.attachments = {{"figures.csv", "text/csv", "1,2,3"}};
    return office.approve(id, edit).has_value();
  }));
  all.push_back(
      {"undo", [](Office& office) -> Action {
         office.hold_all(kAuthor);
         mailbox::Draft draft = draft_to({"a@elsewhere.example"});
         draft.attachments = {{"figures.csv", "text/csv", "1,2,3"}};
         const MessageId id = office.hold(kAuthor, draft);
         approve::ApproveCommand approval{office.owner(), id, "reviewer", {}, {}};
         approval.edit.subject = "Corrected figures";
         approval.edit.attachments.emplace();
         approval.undo_for = std::chrono::seconds(10);
         EXPECT_TRUE(office.db().write([&](store::Tx& tx) {
           return approve::approve_and_send(tx, approval, office.send_step(), kSharedDomain, office.now());
         }));
         const approve::UndoCommand command{office.owner(), id, office.now()};
         office.pass(std::chrono::seconds(5));
         return [&office, command] {
           EXPECT_TRUE(
               office.db().write([&](store::Tx& tx) { return approve::undo(tx, command, office.now()); }));
         };
       }});
  all.push_back(deciding("expire_approve", false, [](Office& office, const MessageId& id) {
    return office.expire_approve(id).has_value();
  }));
  all.push_back(deciding("reject", true, [](Office& office, const MessageId& id) {
    return office.reject(id, "no").has_value();
  }));
  all.push_back(deciding("expire_reject", false, [](Office& office, const MessageId& id) {
    return office.expire_reject(id).has_value();
  }));
  all.push_back({"release_inbound", [](Office& office) -> Action {
                   office.protect(kColleague, [](account::Protection& protection) {
                     protection.inbound.policy = account::GatePolicy::allowlist;
                     protection.inbound.action = account::GateAction::review;
                   });
                   const MessageId sent = office.send(kAuthor, draft_to({std::string(kColleague)}));
                   const MessageId copy = provider::loopback::local_copy_id(sent, kColleague);
                   return [&office, copy] { EXPECT_TRUE(office.approve(copy)); };
                 }});
  all.push_back({"claim", [](Office& office) -> Action {
                   office.send(kAuthor, mixed_draft());
                   office.pass(std::chrono::seconds(1));
                   return [&office] { EXPECT_EQ(office.claim().size(), 1U); };
                 }});
  all.push_back({"cancel", [](Office& office) -> Action {
                   office.send(kAuthor, mixed_draft());
                   office.suppress(kAuthor, "a@elsewhere.example");
                   office.pass(std::chrono::seconds(1));
                   return [&office] { EXPECT_EQ(office.claim().size(), 0U); };
                 }});
  all.push_back(recording("accepted", outbox::Verdict::accepted));
  all.push_back(recording("refused", outbox::Verdict::refused));
  all.push_back(recording("deferred", outbox::Verdict::deferred));
  all.push_back(recording("unknown", outbox::Verdict::unknown));
  all.push_back({"rescue", [](Office& office) -> Action {
                   handed_over(office);
                   office.pass(std::chrono::hours(1));
                   return [&office] {
                     const auto rescued = office.db().write(
                         [&](store::Tx& tx) { return outbox::rescue(tx, {office.now(), office.now()}); });
                     EXPECT_EQ(rescued.unknown, 1);
                   };
                 }});
  return all;
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = all_scenarios();
  return all;
}

class FaultTest : public testing::TestWithParam<std::tuple<Backend, std::size_t>> {
 protected:
  ~FaultTest() override { fault::reset(); }

  /// A store with an office in the state the scenario asks for.
  struct Stage {
    explicit Stage(Backend backend, const Scenario& scenario)
        : store(backend, one_connection()), office(store.database()) {
      office.add_agent(kAuthor);
      office.add_agent(kColleague);
      action = scenario.prepare(office);
    }
    TestStore store;
    Office office;
    Action action;
  };
  [[nodiscard]] static Stage stage() {
    return Stage(std::get<0>(GetParam()), scenarios()[std::get<1>(GetParam())]);
  }
};

INSTANTIATE_TEST_SUITE_P(Everywhere, FaultTest,
                         testing::Combine(testing::Values(Backend::sqlite, Backend::postgres),
                                          testing::Range(std::size_t{0}, scenarios().size())),
                         [](const auto& instance) {
                           return name_of(std::get<0>(instance.param)) + "_" +
                                  scenarios()[std::get<1>(instance.param)].name;
                         });

TEST_P(FaultTest, WhatFailsAtAnyPointLeavesNothingAndCanBeDoneAgain) {
  Stage undisturbed = stage();
  fault::reset();
  undisturbed.action();
  const std::vector<std::string> points = fault::passed();
  const Snapshot expected = snapshot_of(undisturbed.store.database());
  undisturbed.office.expect_sound();
  ASSERT_GE(points.size(), 3U);

  std::map<std::string, int> passages;
  for (const std::string& point : points) {
    SCOPED_TRACE(point + " failed");
    Stage disturbed = stage();
    const Snapshot before = snapshot_of(disturbed.store.database());
    fault::reset();
    fault::arm(point, ++passages[point], fault::Action::throw_error);
    bool failed = false;
    try {
      disturbed.action();
    } catch (const EnvironmentError&) {
      failed = true;
    }
    fault::reset();
    if (failed) {
      EXPECT_THAT(differences(before, snapshot_of(disturbed.store.database())), testing::IsEmpty());
      disturbed.action();
    }
    EXPECT_THAT(differences(expected, snapshot_of(disturbed.store.database())), testing::IsEmpty());
    disturbed.office.expect_sound();
  }
}

}  // namespace
}  // namespace countersign::test

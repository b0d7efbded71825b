// What the spool takes, on every store.
#include "inbound/spool.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "account/agent.hpp"
#include "base/time.hpp"
#include "inbound/letter.hpp"
#include "support/stores.hpp"

namespace countersign::inbound {
namespace {

using testing::ElementsAre;

constexpr std::string_view kDomain = "agents.example";
constexpr std::string_view kRaw = "From: ann@elsewhere.example\r\nSubject: To all\r\n\r\nText.\r\n";
const UtcTime kNow = from_us(1'795'435'200'000'000);

class SpoolTest : public test::StoreTest {
 protected:
  // Agents a1@, a2@, a3@ of one account and b1@ of another.
  SpoolTest() {
    (void)db().write([&](store::Tx& tx) {
      for (const std::string account : {"a", "b"}) {
        account::Principal owner;
        owner.user = UserId(std::string(32, account.front()));
        (void)account::create_user(tx, owner.user, account + "@example.com", kNow);
        for (int i = 1; i <= (account == "a" ? 3 : 1); ++i) {
          (void)account::create_agent(tx, owner, {fmt::format("{}{}@{}", account, i, kDomain), ""}, kDomain,
                                      kNow);
        }
      }
      return std::monostate{};
    });
  }

  std::vector<AcceptAnswer> take_for_all(const account::Limits& limits) {
    TakeCommand command;
    command.content_id = fmt::format("arr_{:032x}", ++taken_);
    command.envelope = to_json(Envelope{});
    command.raw = kRaw;
    int door = 0;
    for (const std::string_view name : {"a1", "a2", "b1", "a3"}) {
      command.doors.push_back({fmt::format("{}@{}", name, kDomain),
                               MessageId(fmt::format("msg_{:016x}{:016x}", taken_, ++door)), "", false});
    }
    command.limits = limits;
    command.shared_domain = kDomain;
    command.now = kNow;
    return db().write([&](store::Tx& tx) { return take(tx, command); });
  }

 private:
  int taken_ = 0;
};
COUNTERSIGN_ON_EVERY_STORE(SpoolTest);

constexpr auto kTaken = AcceptAnswer::taken;
constexpr auto kOverQuota = AcceptAnswer::over_quota;

TEST_P(SpoolTest, OneMessageToManyAgentsOfAnAccountDoesNotPassItsQuota) {
  account::Limits limits{100, 100, 2, 1'000'000};
  EXPECT_THAT(take_for_all(limits), ElementsAre(kTaken, kTaken, kTaken, kOverQuota));
  limits.messages_month_max = 3;
  EXPECT_THAT(take_for_all(limits), ElementsAre(kTaken, kOverQuota, kTaken, kOverQuota));
}

TEST_P(SpoolTest, NorItsStorage) {
  const auto each = static_cast<std::int64_t>(kRaw.size());
  EXPECT_THAT(take_for_all({100, 100, 1'000, each + 1}), ElementsAre(kTaken, kTaken, kTaken, kOverQuota));
}

}  // namespace
}  // namespace countersign::inbound

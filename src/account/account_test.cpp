// Accounts over every store: keys, agents and their trash, metering, suppression.
#include <gmock/gmock.h>

#include <thread>

#include "account/agent.hpp"
#include "account/principal.hpp"
#include "account/suppression.hpp"
#include "account/usage.hpp"
#include "base/crypto.hpp"
#include "support/stores.hpp"

namespace countersign::account {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kShared = "agents.example";
const UtcTime kNow = *parse_rfc3339("2026-11-23T10:00:00Z");

constexpr store::Query kInsertDomain(
    "test.insert_domain",
    "INSERT INTO domains (name, user_id, verification_token, verified_at_us, sending_status, created_at_us) "
    "VALUES ($1, $2, 'token', $3, $4, 0)");
constexpr store::Query kSetLimit("test.set_limit", "UPDATE users SET messages_month_max = $2 WHERE id = $1");
constexpr store::Query kSetClass("test.set_class", "UPDATE users SET class = $2 WHERE id = $1");
constexpr store::Query kInsertMessage(
    "test.insert_message",
    "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, sender, read_status, "
    "review_status, approval_expires_at_us, charged_bytes, created_at_us) "
    "VALUES ($1, $2, $3, 'outbound', 'send', 'smtp', 's', $3, '', $4, $5, $6, 0)");
constexpr store::Query kDeadline("test.deadline",
                                 "SELECT approval_expires_at_us FROM messages WHERE id = $1");
constexpr store::Query kSuppressForAccount(
    "test.suppress_for_account",
    "INSERT INTO account_suppressions (user_id, address, id, source, created_at_us) "
    "VALUES ($1, $2, $2, 'bounce', 0)");

class AccountTest : public test::StoreTest {
 protected:
  UserId new_user(const std::string& name) {
    const UserId id(name);
    db().write([&](store::Tx& tx) { return create_user(tx, id, name + "@owner.example", kNow).has_value(); });
    return id;
  }
  Principal principal_of(const UserId& user) {
    Principal principal;
    principal.user = user;
    return principal;
  }
  Result<Agent, CreateRefusal> create(const Principal& principal, const std::string& email,
                                      UtcTime now = kNow) {
    return db().write(
        [&](store::Tx& tx) { return create_agent(tx, principal, {email, "Bot"}, kShared, now); });
  }
  void claim_domain(const UserId& user, const char* name, bool verified, const char* sending = "none") {
    db().write([&](store::Tx& tx) {
      const std::optional<UtcTime> at = verified ? std::optional(kNow) : std::nullopt;
      return tx.execute(kInsertDomain, {name, user.str(), at, sending});
    });
  }
  NewApiKey new_key(const UserId& user, const std::string& suffix, Scope scope = Scope::account,
                    const std::string& agent_email = "") {
    NewApiKey key;
    key.id = ApiKeyId("apk_" + suffix);
    key.user = user;
    key.name = "key " + suffix;
    key.key_hash = sha256_hex("secret " + suffix);
    key.key_prefix = "e2a_acct_0123456";
    key.scope = scope;
    key.agent_email = agent_email;
    return key;
  }
  void store_key(const NewApiKey& key, UtcTime at = kNow) {
    db().write([&](store::Tx& tx) {
      create_key(tx, key, at);
      return std::monostate{};
    });
  }
  std::optional<Principal> log_in(const std::string& suffix, UtcTime at = kNow, const Limits& limits = {}) {
    return db().read(
        [&](store::ReadTx& tx) { return authenticate(tx, sha256_hex("secret " + suffix), at, limits); });
  }
};
COUNTERSIGN_ON_EVERY_STORE(AccountTest);

// --- users and keys --------------------------------------------------------------------------------------

TEST_P(AccountTest, AnAddressHasOneAccount) {
  const UserId ada = new_user("ada");
  const auto second =
      db().write([&](store::Tx& tx) { return create_user(tx, UserId("other"), "ada@owner.example", kNow); });
  EXPECT_FALSE(second.has_value());
  const auto found =
      db().read([&](store::ReadTx& tx) { return find_user_by_email(tx, "ada@owner.example"); });
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id, ada);
}

TEST_P(AccountTest, AnAccountHasThePlanThatItWasMadeWith) {
  const UserId user("team");
  ASSERT_TRUE(db().write(
      [&](store::Tx& tx) { return create_user(tx, user, "team@owner.example", kNow, "team").has_value(); }));
  store_key(new_key(user, "1"));
  const auto caller = log_in("1");
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(caller->plan_code, "team");
}

TEST_P(AccountTest, AKeyAuthenticatesItsAccountUntilItExpires) {
  const UserId ada = new_user("ada");
  NewApiKey key = new_key(ada, "1");
  key.expires_at = kNow + 1h;
  store_key(key);

  const auto principal = log_in("1", kNow + 59min);
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(principal->user, ada);
  EXPECT_EQ(principal->email, "ada@owner.example");
  EXPECT_EQ(principal->scope, Scope::account);
  EXPECT_EQ(principal->key.str(), "apk_1");
  EXPECT_FALSE(principal->exempt_from_limiters);
  EXPECT_FALSE(log_in("1", kNow + 1h).has_value());
  EXPECT_FALSE(log_in("2").has_value());
}

TEST_P(AccountTest, ARevokedKeyAuthenticatesNobodyAndIsNotListed) {
  const UserId ada = new_user("ada");
  const UserId eve = new_user("eve");
  store_key(new_key(ada, "1"));
  const auto revoke = [&](const UserId& user) {
    return db().write([&](store::Tx& tx) { return revoke_key(tx, user, ApiKeyId("apk_1"), kNow); });
  };
  EXPECT_FALSE(revoke(eve)) << "another account's key";
  EXPECT_TRUE(log_in("1").has_value());
  EXPECT_TRUE(revoke(ada));
  EXPECT_FALSE(revoke(ada)) << "revoked already";
  EXPECT_FALSE(log_in("1").has_value());
  EXPECT_THAT(db().read([&](store::ReadTx& tx) { return list_keys(tx, ada, std::nullopt, 10); }), IsEmpty());
}

TEST_P(AccountTest, RowLimitsOverrideTheDeploymentsOnesAndInternalAccountsAreExempt) {
  const UserId ada = new_user("ada");
  store_key(new_key(ada, "1"));
  db().write([&](store::Tx& tx) {
    tx.execute(kSetClass, {ada.str(), "internal"});
    return tx.execute(kSetLimit, {ada.str(), 7});
  });
  Limits defaults;
  defaults.agents_max = 3;
  const auto principal = log_in("1", kNow, defaults);
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(principal->limits.agents_max, 3);
  EXPECT_EQ(principal->limits.messages_month_max, 7);
  EXPECT_TRUE(principal->exempt_from_limiters);
}

TEST_P(AccountTest, AnAgentKeyIsBoundToItsAgentEvenWhenThatIsInTheTrash) {
  const UserId ada = new_user("ada");
  ASSERT_TRUE(create(principal_of(ada), "bot@agents.example").has_value());
  store_key(new_key(ada, "1", Scope::agent, "bot@agents.example"));
  db().write([&](store::Tx& tx) { return trash_agent(tx, ada, "bot@agents.example", kNow); });
  const auto principal = log_in("1");
  ASSERT_TRUE(principal.has_value());
  EXPECT_EQ(principal->scope, Scope::agent);
  EXPECT_EQ(principal->agent_email, "bot@agents.example");
}

TEST_P(AccountTest, TheUseOfAKeyIsNotedOncePerMinute) {
  const UserId ada = new_user("ada");
  store_key(new_key(ada, "1"));
  const auto touch = [&](UtcTime at) {
    db().write([&](store::Tx& tx) {
      touch_key(tx, ApiKeyId("apk_1"), at);
      return std::monostate{};
    });
    return log_in("1")->last_used_at;
  };
  EXPECT_EQ(log_in("1")->last_used_at, std::nullopt);
  EXPECT_EQ(touch(kNow), kNow);
  EXPECT_EQ(touch(kNow + 59s), kNow);
  EXPECT_EQ(touch(kNow + 61s), kNow + 61s);
}

TEST_P(AccountTest, KeysAreListedNewestFirstInPages) {
  const UserId ada = new_user("ada");
  store_key(new_key(ada, "1"), kNow);
  store_key(new_key(ada, "2"), kNow);
  store_key(new_key(ada, "3"), kNow + 1s);
  const auto list = [&](std::optional<std::pair<UtcTime, std::string>> after) {
    std::vector<std::string> ids;
    for (const ApiKey& key : db().read([&](store::ReadTx& tx) { return list_keys(tx, ada, after, 2); })) {
      ids.push_back(key.id.str());
    }
    return ids;
  };
  EXPECT_THAT(list(std::nullopt), ElementsAre("apk_3", "apk_2"));
  EXPECT_THAT(list(std::pair(kNow, "apk_2")), ElementsAre("apk_1"));
}

// --- agents ----------------------------------------------------------------------------------------------

TEST(Slugs, AreTwoToFortyLettersDigitsAndInnerHyphensAndNotReserved) {
  EXPECT_TRUE(valid_slug("a1"));
  EXPECT_TRUE(valid_slug("sales-bot"));
  EXPECT_TRUE(valid_slug(std::string(40, 'a')));
  for (const std::string_view bad : {"a", "-ab", "ab-", "a.b", "A1", "a_b", "", "postmaster", "no-reply"}) {
    EXPECT_FALSE(valid_slug(bad)) << bad;
  }
  EXPECT_FALSE(valid_slug(std::string(41, 'a')));
}

TEST_P(AccountTest, AnAgentOnTheSharedDomainIsVerifiedAtOnce) {
  const auto agent = create(principal_of(new_user("ada")), "bot@agents.example");
  ASSERT_TRUE(agent.has_value());
  EXPECT_EQ(agent->domain, kShared);
  EXPECT_EQ(agent->registered_domain, kShared);
  EXPECT_TRUE(agent->domain_verified);
  EXPECT_TRUE(agent->sending_verified);
  EXPECT_EQ(agent->created_at, kNow);
  EXPECT_EQ(agent->protection.hold_ttl_seconds, 604'800);
  EXPECT_EQ(agent->protection.hold_on_expiry, OnExpiry::reject);
}

TEST_P(AccountTest, AnAgentElsewhereNeedsADomainThatTheAccountHasVerified) {
  const UserId ada = new_user("ada");
  const UserId eve = new_user("eve");
  claim_domain(ada, "verified.example", true, "verified");
  claim_domain(ada, "pending.example", false);
  const Principal caller = principal_of(ada);

  const auto agent = create(caller, "any.Name+x@verified.example");
  ASSERT_TRUE(agent.has_value());
  EXPECT_TRUE(agent->domain_verified);
  EXPECT_TRUE(agent->sending_verified);
  EXPECT_EQ(create(caller, "bot@pending.example").error(), CreateRefusal::domain_not_verified);
  EXPECT_EQ(create(caller, "bot@unknown.example").error(), CreateRefusal::domain_not_registered);
  EXPECT_EQ(create(principal_of(eve), "bot@verified.example").error(), CreateRefusal::domain_not_registered);
  EXPECT_EQ(create(caller, "postmaster@agents.example").error(), CreateRefusal::invalid_slug);
}

TEST_P(AccountTest, AnAddressIsTakenWhoeverHasItAndNamedAsTrashOnlyToItsOwner) {
  const UserId ada = new_user("ada");
  const UserId eve = new_user("eve");
  ASSERT_TRUE(create(principal_of(ada), "bot@agents.example").has_value());
  EXPECT_EQ(create(principal_of(ada), "bot@agents.example").error(), CreateRefusal::agent_taken);
  EXPECT_EQ(create(principal_of(eve), "bot@agents.example").error(), CreateRefusal::agent_taken);
  db().write([&](store::Tx& tx) { return trash_agent(tx, ada, "bot@agents.example", kNow); });
  EXPECT_EQ(create(principal_of(ada), "bot@agents.example").error(), CreateRefusal::address_in_trash);
  EXPECT_EQ(create(principal_of(eve), "bot@agents.example").error(), CreateRefusal::agent_taken);
}

TEST_P(AccountTest, TheCapOnAgentsCountsLiveOnes) {
  Principal caller = principal_of(new_user("ada"));
  caller.limits.agents_max = 1;
  ASSERT_TRUE(create(caller, "one@agents.example").has_value());
  EXPECT_EQ(create(caller, "two@agents.example").error(), CreateRefusal::limit_exceeded);
  db().write([&](store::Tx& tx) { return trash_agent(tx, caller.user, "one@agents.example", kNow); });
  EXPECT_TRUE(create(caller, "two@agents.example").has_value());
}

TEST_P(AccountTest, ParallelCreatesOfOneAddressHaveOneWinner) {
  const UserId ada = new_user("ada");
  std::atomic<int> created = 0;
  std::atomic<int> taken = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto agent = create(principal_of(ada), "bot@agents.example");
      if (agent) ++created;
      if (!agent && agent.error() == CreateRefusal::agent_taken) ++taken;
    });
  }
  threads.clear();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(taken, 7);
}

TEST_P(AccountTest, ParallelCreatesCannotPassTheCapTogether) {
  Principal caller = principal_of(new_user("ada"));
  caller.limits.agents_max = 3;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] { (void)create(caller, "bot" + std::to_string(i) + "@agents.example"); });
  }
  threads.clear();
  EXPECT_EQ(db().read([&](store::ReadTx& tx) { return count_live_agents(tx, caller.user); }), 3);
}

TEST_P(AccountTest, AForeignOrTrashedAgentLooksLikeAMissingOne) {
  const UserId ada = new_user("ada");
  const UserId eve = new_user("eve");
  ASSERT_TRUE(create(principal_of(ada), "bot@agents.example").has_value());
  ASSERT_TRUE(create(principal_of(ada), "sister@agents.example").has_value());
  ASSERT_TRUE(create(principal_of(ada), "gone@agents.example").has_value());
  ASSERT_TRUE(create(principal_of(eve), "foreign@agents.example").has_value());
  db().write([&](store::Tx& tx) { return trash_agent(tx, ada, "gone@agents.example", kNow); });
  const auto resolve = [&](const Principal& caller, std::string_view email) {
    return db().read([&](store::ReadTx& tx) { return resolve_agent(tx, caller, email, kShared); });
  };
  const Principal owner = principal_of(ada);
  EXPECT_EQ(resolve(owner, "bot@agents.example")->email, "bot@agents.example");
  EXPECT_EQ(resolve(owner, "gone@agents.example").error(), Access::not_found);
  EXPECT_EQ(resolve(owner, "foreign@agents.example").error(), Access::not_found);
  EXPECT_EQ(resolve(owner, "nobody@agents.example").error(), Access::not_found);

  Principal agent = owner;
  agent.scope = Scope::agent;
  agent.agent_email = "bot@agents.example";
  EXPECT_TRUE(resolve(agent, "bot@agents.example").has_value());
  EXPECT_EQ(resolve(agent, "sister@agents.example").error(), Access::forbidden);
  EXPECT_EQ(resolve(agent, "gone@agents.example").error(), Access::not_found);
  EXPECT_EQ(resolve(agent, "foreign@agents.example").error(), Access::not_found);
}

TEST_P(AccountTest, ProtectionIsStoredWhole) {
  const UserId ada = new_user("ada");
  ASSERT_TRUE(create(principal_of(ada), "bot@agents.example").has_value());
  Protection wanted;
  wanted.inbound = {GatePolicy::domain, GateAction::block, {"a.example"}, Sensitivity::low};
  wanted.outbound = {
      GatePolicy::allowlist, GateAction::review, {"x@y.example", "\"q\" <z@y>"}, Sensitivity::high};
  wanted.hold_ttl_seconds = 0;
  wanted.hold_on_expiry = OnExpiry::approve;
  wanted.hold_suppress_notifications = true;
  EXPECT_TRUE(
      db().write([&](store::Tx& tx) { return set_protection(tx, ada, "bot@agents.example", wanted); }));
  const auto agent =
      db().read([&](store::ReadTx& tx) { return find_agent(tx, ada, "bot@agents.example", kShared); });
  ASSERT_TRUE(agent.has_value());
  const Protection& got = agent->protection;
  EXPECT_EQ(got.inbound.policy, GatePolicy::domain);
  EXPECT_EQ(got.inbound.action, GateAction::block);
  EXPECT_THAT(got.inbound.allowlist, ElementsAre("a.example"));
  EXPECT_EQ(got.inbound.sensitivity, Sensitivity::low);
  EXPECT_EQ(got.outbound.policy, GatePolicy::allowlist);
  EXPECT_EQ(got.outbound.action, GateAction::review);
  EXPECT_THAT(got.outbound.allowlist, ElementsAre("x@y.example", "\"q\" <z@y>"));
  EXPECT_EQ(got.outbound.sensitivity, Sensitivity::high);
  EXPECT_EQ(got.hold_ttl_seconds, 0);
  EXPECT_EQ(got.hold_on_expiry, OnExpiry::approve);
  EXPECT_TRUE(got.hold_suppress_notifications);
}

TEST_P(AccountTest, AgentsAreListedNewestFirstAndTheTrashApart) {
  const UserId ada = new_user("ada");
  const Principal caller = principal_of(ada);
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(create(caller, "bot" + std::to_string(i) + "@agents.example", kNow + i * 1s).has_value());
  }
  db().write([&](store::Tx& tx) { return trash_agent(tx, ada, "bot2@agents.example", kNow); });
  const auto list = [&](bool trashed, std::optional<std::pair<UtcTime, std::string>> after) {
    std::vector<std::string> emails;
    for (const Agent& agent :
         db().read([&](store::ReadTx& tx) { return list_agents(tx, ada, trashed, after, 2, kShared); })) {
      emails.push_back(agent.email);
    }
    return emails;
  };
  EXPECT_THAT(list(false, std::nullopt), ElementsAre("bot4@agents.example", "bot3@agents.example"));
  EXPECT_THAT(list(false, std::pair(kNow + 3s, "bot3@agents.example")), ElementsAre("bot1@agents.example"));
  EXPECT_THAT(list(true, std::nullopt), ElementsAre("bot2@agents.example"));
}

TEST_P(AccountTest, TimeInTheTrashIsAddedToTheDeadlineOfPendingHolds) {
  const UserId ada = new_user("ada");
  ASSERT_TRUE(create(principal_of(ada), "bot@agents.example").has_value());
  db().write([&](store::Tx& tx) {
    tx.execute(kInsertMessage, {"msg_1", ada.str(), "bot@agents.example", "pending_review", kNow + 24h, 0});
    return trash_agent(tx, ada, "bot@agents.example", kNow);
  });
  const auto restore = [&] {
    return db().write(
        [&](store::Tx& tx) { return restore_agent(tx, ada, "bot@agents.example", kShared, kNow + 3h); });
  };
  const auto restored = restore();
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->deleted_at, std::nullopt);
  EXPECT_EQ(db().read([&](store::ReadTx& tx) { return tx.query(kDeadline, {"msg_1"}).front().time(0); }),
            kNow + 27h);
  EXPECT_EQ(restore().error(), RestoreRefusal::not_in_trash);
}

// --- metering --------------------------------------------------------------------------------------------

TEST_P(AccountTest, UsageSumsTheShardsOfTheMonth) {
  const UserId ada = new_user("ada");
  db().write([&](store::Tx& tx) {
    for (int i = 0; i < 40; ++i) meter_message(tx, ada, "msg_" + std::to_string(i), 10, kNow);
    meter_message(tx, ada, "msg_old", 5, kNow - 24h * 30);
    meter_bytes(tx, ada, "msg_1", -15);
    return std::monostate{};
  });
  const Usage usage = db().read([&](store::ReadTx& tx) { return usage_of(tx, ada, kNow); });
  EXPECT_EQ(usage.messages_month, 40);
  EXPECT_EQ(usage.storage_bytes, 390);
}

TEST_P(AccountTest, ACapTripsWhenItIsReachedMessagesFirst) {
  const UserId ada = new_user("ada");
  const auto check = [&](Limits limits) {
    return db().write([&](store::Tx& tx) { return check_message_limits(tx, ada, limits, kNow); });
  };
  Limits limits;
  limits.messages_month_max = 2;
  limits.storage_bytes_max = 100;
  EXPECT_FALSE(check(limits).has_value());
  db().write([&](store::Tx& tx) {
    meter_message(tx, ada, "msg_1", 100, kNow);
    return std::monostate{};
  });
  const auto storage = check(limits);
  ASSERT_TRUE(storage.has_value());
  EXPECT_EQ(storage->resource, Resource::storage_bytes);
  EXPECT_EQ(storage->limit, 100);
  EXPECT_EQ(storage->current, 100);
  db().write([&](store::Tx& tx) {
    meter_message(tx, ada, "msg_2", 0, kNow);
    return std::monostate{};
  });
  const auto messages = check(limits);
  ASSERT_TRUE(messages.has_value());
  EXPECT_EQ(messages->resource, Resource::messages_month);
  EXPECT_EQ(messages->current, 2);
}

TEST_P(AccountTest, ConcurrentSendersCannotPassACapTogether) {
  const UserId ada = new_user("ada");
  Limits limits;
  limits.messages_month_max = 5;
  std::atomic<int> sent = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 4; ++k) {
        const bool done = db().write([&](store::Tx& tx) {
          if (check_message_limits(tx, ada, limits, kNow)) return false;
          meter_message(tx, ada, "msg_" + std::to_string(i * 10 + k), 1, kNow);
          return true;
        });
        if (done) ++sent;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(sent, 5);
}

// --- suppression -----------------------------------------------------------------------------------------

TEST_P(AccountTest, SuppressionIsTheUnionOfTheAccountsAndTheAgentsList) {
  const UserId ada = new_user("ada");
  ASSERT_TRUE(create(principal_of(ada), "bot@agents.example").has_value());
  ASSERT_TRUE(create(principal_of(ada), "other@agents.example").has_value());
  const auto suppress = [&](std::string_view agent, std::string_view address) {
    return db().write(
        [&](store::Tx& tx) { return suppress_for_agent(tx, agent, address, "manual", "asked to", kNow); });
  };
  db().write([&](store::Tx& tx) { return tx.execute(kSuppressForAccount, {ada.str(), "z@x.example"}); });
  EXPECT_TRUE(suppress("bot@agents.example", "a@x.example"));
  EXPECT_FALSE(suppress("bot@agents.example", "a@x.example")) << "there already";
  EXPECT_TRUE(suppress("other@agents.example", "b@x.example"));
  const auto among = [&](std::vector<std::string> addresses) {
    return db().read(
        [&](store::ReadTx& tx) { return suppressed_among(tx, ada, "bot@agents.example", addresses); });
  };
  EXPECT_THAT(among({"z@x.example", "b@x.example", "a@x.example", "it's \"quoted\"@x.example"}),
              ElementsAre("a@x.example", "z@x.example"));
  EXPECT_THAT(among({}), IsEmpty());
}

}  // namespace
}  // namespace countersign::account

// Accounts with queued mail, for the tests of the outbox.
#pragma once

#include <string>
#include <vector>

#include "account/agent.hpp"
#include "account/suppression.hpp"
#include "mailbox/mailbox.hpp"
#include "outbox/outbox.hpp"
#include "outbox/retry.hpp"
#include "support/stores.hpp"

namespace countersign::outbox {

class OutboxTest : public test::StoreTest {
 protected:
  static constexpr std::string_view kWorker = "worker-1";
  static constexpr std::string_view kDomain = "agents.example";
  static constexpr std::chrono::seconds kLease{60};
  static constexpr std::chrono::hours kRepeatWindow{24};

  /// An account with one agent, `a<number>@agents.example`. Accounts sort by their number.
  UserId add_account(int number);
  static std::string agent_of(int number) { return fmt::format("a{}@{}", number, kDomain); }
  /// A message of that account to these addresses, queued and due now.
  MessageId queue(int account, const std::vector<std::string>& to = {"one@elsewhere.example"});

  std::vector<Claim> claim(std::int64_t limit = 32, const UserId& last_user = {},
                           std::string_view worker = kWorker);
  /// What can be claimed once every pause is over.
  std::vector<Claim> claim_none() {
    now_ += std::chrono::hours(1);
    return claim();
  }
  /// Claims and expects exactly one.
  Claim claim_one();
  bool fence(const Claim& claim, std::string_view worker = kWorker);
  bool record(const Claim& claim, const Answer& answer);
  bool record(const Claim& claim, Verdict verdict, std::vector<RecipientAnswer> recipients = {});
  bool release(const Claim& claim, std::string_view detail = "connection refused");
  bool renew(const Claim& claim);
  bool repeat(const Claim& claim);
  Rescued rescue(std::string_view repeatable_provider = "");
  std::optional<Work> work(const Claim& claim);

  mailbox::Message message(const MessageId& id);
  /// "state/epoch" per attempt.
  std::vector<std::string> attempts(const MessageId& id);
  /// "address state" per recipient.
  std::vector<std::string> recipients(const MessageId& id);
  std::vector<std::string> events(const MessageId& id);
  std::vector<std::string> lifecycle(const MessageId& id);

  /// What claim() says of the provider "scripted": none by default, it recognises no repetition.
  Duration repeat_window_{};
  UtcTime now_ = from_us(1'795'435'200'000'000);  // 2026-11-23T12:00:00Z
  int messages_ = 0;
};

}  // namespace countersign::outbox

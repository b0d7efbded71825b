// Every rule fires for the damage it is about, and for nothing in a database that is sound.
#include "invariants/invariants.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "base/id.hpp"
#include "support/stores.hpp"

namespace countersign::invariants {
namespace {

using store::Query;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

constexpr std::int64_t kNow = 1'795'435'200'000'000;  // 2026-11-23T12:00:00Z

/// Statements that build a sound database, and those that damage it. Written out in SQL, because the rules
/// must not depend on the code that usually writes these rows.
class InvariantsTest : public test::StoreTest {
 protected:
  InvariantsTest() {
    run("INSERT INTO users (id, email, created_at_us) VALUES ('u', 'owner@example.com', 1)");
    run("INSERT INTO agents (email, user_id, domain, registered_domain, created_at_us) VALUES "
        "('a@x.example', 'u', 'x.example', 'x.example', 1), ('b@x.example', 'u', 'x.example', 'x.example', "
        "1)");
    drop_guards();
    held("held", "pending_review");
    held("approved", "review_approved");
    held("rejected", "review_rejected");
    external("approved", "accepted");
    accepted("queued");
    external("queued", "queued");
    accepted("deferred");
    external("deferred", "deferred");
    accepted("refused");
    external("refused", "refused");
    accepted("unknown");
    external("unknown", "unknown");
    loopback("self");
    building_ = false;
    run_all(pending_);
  }

  // The schema's own guards are out of the way, so that the rules are seen to stand without them.
  void drop_guards() {
    if (GetParam() == test::Backend::sqlite) {
      run("PRAGMA ignore_check_constraints = ON");
    } else {
      run("DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint "
          "WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP "
          "EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$");
    }
    run("DROP INDEX submissions_open");
  }

  /// Runs one statement; while the sound database is built, with all others in one transaction. Names and
  /// texts live as long as the program, because drivers keep statements by them.
  void run(const std::string& text) {
    if (building_) {
      pending_.push_back(text);
      return;
    }
    run_all({text});
  }
  void run_all(const std::vector<std::string>& statements) {
    static std::map<std::string, std::string> texts;
    (void)db().write([&](store::Tx& tx) {
      std::int64_t changed = 0;
      for (const std::string& text : statements) {
        const auto& [name, kept] = *texts.try_emplace(derived_id("damage.", {text}), text).first;
        changed += tx.execute(Query(name, kept));
      }
      return changed;
    });
  }
  static std::string id_of(std::string_view name) { return fmt::format("msg_{:_<32}", name); }
  static std::string quoted(std::string_view text) { return fmt::format("'{}'", text); }

  void message(std::string_view name, std::string_view columns, std::string_view values) {
    run(fmt::format(
        "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, sender, "
        "read_status, created_at_us{}) VALUES ('{}', 'u', 'a@x.example', 'outbound', 'send', "
        "'smtp', 's', 'a@x.example', '', {}{})",
        columns, id_of(name), kNow, values));
    run("INSERT INTO usage_counters (user_id, month, shard, messages) VALUES ('u', '2026-11', 0, 1) ON "
        "CONFLICT (user_id, month, shard) DO UPDATE SET messages = usage_counters.messages + 1");
  }
  void content(std::string_view name, bool draft, bool raw) {
    run(fmt::format("INSERT INTO message_contents (message_id, has_draft, raw) VALUES ('{}', {}, {})",
                    id_of(name), draft ? 1 : 0, raw ? "CAST('12345678' AS " + blob() + ")" : "NULL"));
    if (!raw) return;
    run(fmt::format("UPDATE messages SET size_bytes = 8, charged_bytes = 8 WHERE id = '{}'", id_of(name)));
    run("INSERT INTO storage_counters (user_id, shard, bytes) VALUES ('u', 0, 8) ON CONFLICT (user_id, "
        "shard) "
        "DO UPDATE SET bytes = storage_counters.bytes + 8");
  }
  [[nodiscard]] std::string blob() const { return GetParam() == test::Backend::sqlite ? "BLOB" : "BYTEA"; }
  void observed(std::string_view name, std::string_view reason, std::string_view job = "") {
    run(
        fmt::format("INSERT INTO lifecycle (id, message_id, direction, reason_code, correlation, "
                    "occurred_at_us) VALUES ('{}', '{}', 'outbound', '{}', '{}', {})",
                    derived_id("mlt_", {name, reason}), id_of(name), reason,
                    job.empty() ? "{}" : fmt::format(R"({{"job_id":"{}"}})", job), kNow));
  }
  void announced(std::string_view name, std::string_view type) {
    const std::string id = derived_id("evt_", {name, type});
    run(fmt::format(
        "INSERT INTO events (id, user_id, type, agent_email, message_id, envelope, created_at_us) "
        "VALUES ('{}', 'u', '{}', 'a@x.example', '{}', '{}', {})",
        id, type, id_of(name), fmt::format(R"({{"type":"{}","id":"{}"}})", type, id), kNow));
  }

  void held(std::string_view name, std::string_view status) {
    const bool pending = status == "pending_review";
    const bool approved = status == "review_approved";
    message(name,
            ", review_status, hold_reason, approval_expires_at_us, resolved_at_us, resolved_by, "
            "approved_revision, delivery_status, rfc_message_id",
            fmt::format(", '{}', '{{}}', {}, {}, {}, {}, {}, '{}'", status, kNow + 1,
                        pending ? "NULL" : std::to_string(kNow), pending ? "NULL" : "'reviewer'",
                        approved ? "1" : "NULL", approved ? "'sent'" : "NULL",
                        approved ? id_of(name) + "@x.example" : ""));
    content(name, true, approved);
    observed(name, "acceptance.outbound_api");
    observed(name, "review.hold_created");
    announced(name, "email.review_requested");
    if (pending) notified(name, "muted");
    if (pending) return;
    observed(name, approved ? "review.approved" : "review.rejected");
    announced(name, approved ? "email.review_approved" : "email.review_rejected");
  }
  void notified(std::string_view name, std::string_view state, std::string_view mail = "NULL") {
    run(
        fmt::format("INSERT INTO review_notifications (message_id, user_id, agent_email, state, mail_id, "
                    "due_at_us, urgent_at_us, created_at_us) VALUES ('{}', 'u', 'a@x.example', '{}', {}, {}, "
                    "{}, {})",
                    id_of(name), state, mail, kNow, kNow, kNow));
  }
  void accepted(std::string_view name) {
    const std::string_view delivery = name == "refused"   ? "failed"
                                      : name == "unknown" ? "unknown"
                                                          : "sending";
    message(name, ", delivery_status, rfc_message_id",
            fmt::format(", '{}', '{}@x.example'", delivery, id_of(name)));
    content(name, false, true);
    observed(name, "acceptance.outbound_api");
  }
  void attempt(std::string_view name, int number, std::string_view state) {
    const bool settled = state == "accepted" || state == "refused" || state == "deferred";
    run(fmt::format(
        "INSERT INTO submissions (id, message_id, user_id, attempt, state, epoch, first_due_at_us, "
        "due_at_us, first_fenced_at_us, fenced_at_us, unknown_at_us, settled_at_us, settled_by, "
        "created_at_us) "
        "VALUES ('{}', '{}', 'u', {}, '{}', 1, 1, 1, {}, {}, {}, {}, '{}', 1)",
        submission(name, number), id_of(name), number, state, kNow, kNow,
        state == "unknown" ? std::to_string(kNow) : "NULL", settled ? std::to_string(kNow) : "NULL",
        settled ? "reply" : ""));
  }
  static std::string submission(std::string_view name, int number = 1) {
    return fmt::format("sub_{}_{}", name, number);
  }
  void external(std::string_view name, std::string_view state) {
    const std::string_view recipient = state == "deferred" ? "queued" : state;
    run(
        fmt::format("INSERT INTO message_recipients (message_id, address, kind, route, state, submission_id) "
                    "VALUES ('{}', 'r@y.example', 'to', 'external', '{}', {})",
                    id_of(name), recipient, state == "queued" ? "NULL" : quoted(submission(name))));
    attempt(name, 1, state);
    observed(name, "queue.outbound_submission");
    if (state == "accepted") {
      observed(name, "submission.upstream_accepted", submission(name));
      announced(name, "email.sent");
    } else if (state == "refused") {
      observed(name, "submission.provider_rejected", submission(name));
      announced(name, "email.failed");
    } else if (state == "deferred") {
      observed(name, "submission.temporary_failure", submission(name));
      attempt(name, 2, "queued");
    } else if (state == "unknown") {
      observed(name, "submission.temporary_failure", submission(name));
      announced(name, "email.unknown");
    }
  }
  void loopback(std::string_view name) {
    message(name, ", delivery_status, rfc_message_id", fmt::format(", 'sent', '{}@x.example'", id_of(name)));
    run(fmt::format("UPDATE messages SET method = 'loopback' WHERE id = '{}'", id_of(name)));
    content(name, false, true);
    run(
        fmt::format("INSERT INTO message_recipients (message_id, address, kind, route, state) VALUES ('{}', "
                    "'a@x.example', 'to', 'local', 'accepted')",
                    id_of(name)));
    for (const char* reason : {"acceptance.outbound_api", "submission.local_loopback_accepted"}) {
      observed(name, reason);
    }
    announced(name, "email.sent");
    copy_ = derived_id_near(id_of(name), "msg_", {"local copy", id_of(name), "a@x.example"});
    const std::string made = "copy";
    message(made, ", rfc_message_id", fmt::format(", '{}@x.example'", id_of(name)));
    content(made, false, true);
    observed(made, "acceptance.local_loopback");
    announced(made, "email.received");
    move_copy();
  }
  // The copy takes its derived id; nothing refers to messages by a foreign key that could not follow.
  void move_copy() {
    run(fmt::format(
        "INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, sender, "
        "read_status, "
        "rfc_message_id, size_bytes, charged_bytes, created_at_us) SELECT '{}', user_id, agent_email, "
        "'inbound', "
        "'received', 'loopback', subject, sender, 'unread', rfc_message_id, size_bytes, charged_bytes, "
        "created_at_us FROM messages WHERE id = '{}'",
        copy_, id_of("copy")));
    for (const char* table : {"message_contents", "lifecycle", "events"}) {
      run(fmt::format("UPDATE {} SET message_id = '{}' WHERE message_id = '{}'", table, copy_,
                      id_of("copy")));
    }
    run(fmt::format("DELETE FROM messages WHERE id = '{}'", id_of("copy")));
  }

  Report check() {
    return db().read([](store::ReadTx& tx) { return invariants::check(tx, CheckOptions{from_us(kNow)}); });
  }
  std::vector<std::string> broken() {
    std::vector<std::string> rules;
    for (const Finding& finding : check().findings) {
      if (finding.count > 0) rules.emplace_back(finding.rule);
    }
    return rules;
  }
  /// Damages the database and expects exactly these rules to see it.
  void expect_broken(const std::string& damage, const std::vector<std::string>& rules) {
    SCOPED_TRACE(damage);
    run(damage);
    EXPECT_THAT(broken(), UnorderedElementsAreArray(rules));
  }
  static std::string set(std::string_view name, std::string_view change) {
    return fmt::format("UPDATE messages SET {} WHERE id = '{}'", change, id_of(name));
  }
  static std::string set_attempt(std::string_view name, std::string_view change) {
    return fmt::format("UPDATE submissions SET {} WHERE id = '{}'", change, submission(name));
  }
  static std::string set_recipient(std::string_view name, std::string_view change) {
    return fmt::format("UPDATE message_recipients SET {} WHERE message_id = '{}'", change, id_of(name));
  }
  static std::string forget(std::string_view name, std::string_view reason) {
    return fmt::format("DELETE FROM lifecycle WHERE message_id = '{}' AND reason_code = '{}'", id_of(name),
                       reason);
  }
  static std::string silence(std::string_view name, std::string_view type) {
    return fmt::format("DELETE FROM events WHERE message_id = '{}' AND type = '{}'", id_of(name), type);
  }

  std::string copy_;
  bool building_ = true;
  std::vector<std::string> pending_;
};
COUNTERSIGN_ON_EVERY_STORE(InvariantsTest);

TEST_P(InvariantsTest, ASoundDatabaseBreaksNoRule) {
  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_TRUE(check().clean());
}

TEST_P(InvariantsTest, AnEmptyDatabaseBreaksNoRule) {
  run("DELETE FROM users");
  EXPECT_THAT(broken(), IsEmpty());
}

TEST_P(InvariantsTest, SeesAHandOverOfSomethingElseThanWasApproved) {
  expect_broken(set("approved", "revision = 2"),
                {"submission-approved", "recipient-approved", "approved-revision"});
}

TEST_P(InvariantsTest, AnApprovalThatWasTakenBackIsNoUntruthOnceTheHoldIsAnnouncedAgain) {
  observed("held", "review.approved");
  announced("held", "email.review_approved");
  run(fmt::format(
      "INSERT INTO events (id, user_id, type, agent_email, message_id, envelope, created_at_us) VALUES "
      "('evt_again', 'u', 'email.review_requested', 'a@x.example', '{}', "
      "'{{\"type\":\"email.review_requested\",\"id\":\"evt_again\"}}', {})",
      id_of("held"), kNow));
  EXPECT_THAT(broken(), UnorderedElementsAreArray({"journal-decision-true", "event-true"}));
  run(set("held", "decisions_undone = 1"));
  EXPECT_THAT(broken(), IsEmpty());
  expect_broken("DELETE FROM events WHERE id = 'evt_again'", {"event-true"});
}

TEST_P(InvariantsTest, SeesAHandOverOfWhatIsStillHeld) {
  attempt("held", 1, "queued");
  expect_broken(fmt::format("INSERT INTO message_recipients (message_id, address, kind, route, state) VALUES "
                            "('{}', 'r@y.example', 'to', 'external', 'queued')",
                            id_of("held")),
                {"submission-approved", "recipient-approved", "journal-queued"});
}

TEST_P(InvariantsTest, SeesALocalCopyOfWhatIsStillHeld) {
  expect_broken(fmt::format("UPDATE messages SET rfc_message_id = '{}@x.example' WHERE id = '{}'",
                            id_of("held"), copy_),
                {"copy-has-decision"});
}

TEST_P(InvariantsTest, SeesASecondCopyInOneMailbox) {
  expect_broken(
      fmt::format("INSERT INTO messages (id, user_id, agent_email, direction, kind, method, subject, sender, "
                  "read_status, rfc_message_id, created_at_us) SELECT 'msg_second', user_id, agent_email, "
                  "direction, kind, method, subject, sender, read_status, rfc_message_id, created_at_us FROM "
                  "messages WHERE id = '{}'",
                  copy_),
      {"copy-once", "journal-acceptance", "event-received", "bytes-kept", "messages-metered"});
}

TEST_P(InvariantsTest, SeesALocalRecipientWithoutACopy) {
  run(fmt::format("DELETE FROM events WHERE message_id = '{}'", copy_));
  run("UPDATE storage_counters SET bytes = bytes - 8");
  expect_broken(fmt::format("DELETE FROM messages WHERE id = '{}'", copy_), {"local-copy-exists"});
}

TEST_P(InvariantsTest, KnowsThatACopyMayHaveBeenRemovedByItsOwner) {
  run("UPDATE storage_counters SET bytes = bytes - 8");
  expect_broken(fmt::format("DELETE FROM messages WHERE id = '{}'", copy_), {});
}

TEST_P(InvariantsTest, SeesTransportOfWhatWasNotApproved) {
  expect_broken(set("rejected", "provider_message_id = 'p'"), {"undecided-unsent"});
}

TEST_P(InvariantsTest, SeesDecisionsWithoutShape) {
  expect_broken(set("held", "approval_expires_at_us = NULL"), {"decision-shape"});
  expect_broken(set("held", "approval_expires_at_us = 1, deleted_at_us = 1"), {"hold-not-trashed"});
}

TEST_P(InvariantsTest, SeesASecondAcceptanceForOneRecipient) {
  attempt("approved", 2, "accepted");
  expect_broken(
      fmt::format("INSERT INTO lifecycle (id, message_id, direction, reason_code, correlation, "
                  "occurred_at_us) VALUES ('mlt_second', '{}', 'outbound', 'submission.upstream_accepted', "
                  "'{}', 1)",
                  id_of("approved"), submission("approved", 2)),
      {"acceptance-counted"});
}

TEST_P(InvariantsTest, SeesARecipientAcceptedByNobody) {
  expect_broken(set_recipient("approved", "submission_id = 'sub_other'"),
                {"recipient-accepted", "acceptance-counted"});
}

TEST_P(InvariantsTest, SeesAQueuedRecipientNobodyPursues) {
  expect_broken(fmt::format("DELETE FROM submissions WHERE message_id = '{}'", id_of("queued")),
                {"recipient-pursued"});
}

TEST_P(InvariantsTest, SeesAnAttemptThatServesNobody) {
  expect_broken(set_recipient("queued", "state = 'unknown'"),
                {"attempt-needed", "unknown-both-ways", "delivery-derived"});
}

TEST_P(InvariantsTest, SeesAnUnknownOutcomeOnOneSideOnly) {
  expect_broken(set_recipient("unknown", "state = 'queued'"), {"unknown-both-ways", "delivery-derived"});
}

TEST_P(InvariantsTest, SeesTwoOpenAttempts) {
  attempt("deferred", 3, "queued");
  expect_broken("UPDATE users SET name = 'x'", {"attempt-open-once", "attempt-follows"});
}

TEST_P(InvariantsTest, SeesLeasesThatAreMissingOrOver) {
  expect_broken(set_attempt("queued", "state = 'claimed'"), {"lease-held"});
  expect_broken(set_attempt("queued", fmt::format("worker = 'w', lease_until_us = {}", kNow)), {});
  expect_broken(set_attempt("queued", fmt::format("lease_until_us = {}", kNow - 601'000'000)),
                {"lease-ends"});
}

TEST_P(InvariantsTest, SeesAnEndWithoutItsTimeAndAnAcceptanceWithoutItsFence) {
  expect_broken(set_attempt("refused", "settled_by = ''"), {"attempt-settled"});
  expect_broken(set_attempt("unknown", "fenced_at_us = NULL"), {"attempt-settled", "acceptance-fenced"});
}

TEST_P(InvariantsTest, SeesADeliveryStatusThatDoesNotFollow) {
  expect_broken(set("queued", "delivery_status = 'sent'"), {"delivery-derived"});
}

TEST_P(InvariantsTest, SeesAnAcceptedMessageThatWasLost) {
  run(fmt::format("DELETE FROM submissions WHERE message_id = '{}'", id_of("queued")));
  expect_broken(fmt::format("DELETE FROM message_recipients WHERE message_id = '{}'", id_of("queued")),
                {"accepted-never-lost", "delivery-derived"});
}

TEST_P(InvariantsTest, SeesEveryGapInTheJournal) {
  expect_broken(forget("held", "acceptance.outbound_api"), {"journal-acceptance"});
  observed("held", "acceptance.outbound_api");
  expect_broken(forget("held", "review.hold_created"), {"journal-hold"});
  observed("held", "review.hold_created");
  expect_broken(forget("rejected", "review.rejected"), {"journal-decision"});
  observed("rejected", "review.rejected");
  expect_broken(forget("queued", "queue.outbound_submission"), {"journal-queued"});
  observed("queued", "queue.outbound_submission");
  for (const auto& [name, reason] : {std::pair("approved", "submission.upstream_accepted"),
                                     std::pair("refused", "submission.provider_rejected"),
                                     std::pair("deferred", "submission.temporary_failure")}) {
    expect_broken(forget(name, reason), {"journal-attempt"});
    observed(name, reason, submission(name));
  }
  expect_broken(forget("self", "submission.local_loopback_accepted"), {"journal-loopback"});
}

TEST_P(InvariantsTest, SeesObservationsThatAreNotTrue) {
  observed("held", "review.approved");
  observed("queued", "submission.upstream_accepted", submission("queued"));
  expect_broken("UPDATE users SET name = 'x'", {"journal-decision-true", "journal-acceptance-true"});
}

TEST_P(InvariantsTest, SeesEveryEventThatIsMissing) {
  for (const auto& [name, type, rule] :
       {std::tuple("held", "email.review_requested", "event-review-requested"),
        std::tuple("approved", "email.review_approved", "event-decision"),
        std::tuple("rejected", "email.review_rejected", "event-decision"),
        std::tuple("approved", "email.sent", "event-sent"), std::tuple("self", "email.sent", "event-sent"),
        std::tuple("refused", "email.failed", "event-failed")}) {
    expect_broken(silence(name, type), {rule});
    announced(name, type);
  }
  // The copy itself stands, so that only its event is missing.
  expect_broken(fmt::format("DELETE FROM events WHERE message_id = '{}'", copy_), {"event-received"});
}

TEST_P(InvariantsTest, DoesNotExpectEventsThatAreOldEnoughToBeGone) {
  run("UPDATE messages SET created_at_us = 1");
  run("UPDATE messages SET resolved_at_us = 1 WHERE resolved_at_us IS NOT NULL");
  run("UPDATE submissions SET settled_at_us = 1 WHERE settled_at_us IS NOT NULL");
  expect_broken("DELETE FROM events", {});
}

TEST_P(InvariantsTest, SeesEventsThatAreNotTrue) {
  announced("queued", "email.sent");
  expect_broken("UPDATE users SET name = 'x'", {"event-true"});
}

TEST_P(InvariantsTest, SeesAnEventWhoseBytesNameAnother) {
  expect_broken(fmt::format("UPDATE events SET envelope = '{{}}' WHERE message_id = '{}'", id_of("self")),
                {"event-envelope"});
}

TEST_P(InvariantsTest, SeesContentThatIsMissingOrCut) {
  expect_broken(set("queued", "size_bytes = 9"), {"bytes-kept"});
  expect_broken(fmt::format("DELETE FROM message_contents WHERE message_id = '{}'", id_of("held")),
                {"bytes-kept", "draft-kept"});
}

TEST_P(InvariantsTest, SeesLabelsThatDisagree) {
  const std::string label = fmt::format(
      "INSERT INTO message_labels (message_id, label, agent_email, created_at_us) SELECT id, "
      "'urgent', agent_email, created_at_us FROM messages WHERE id = '{}'",
      id_of("queued"));
  expect_broken(label, {"labels-agree"});
  expect_broken(set("queued", "labels = '[\"urgent\"]'"), {});
  expect_broken("UPDATE message_labels SET created_at_us = created_at_us + 1", {"labels-agree"});
  expect_broken("UPDATE message_labels SET created_at_us = created_at_us - 1", {});
  expect_broken("UPDATE message_labels SET agent_email = 'nobody'", {"labels-agree"});
  expect_broken(
      fmt::format("UPDATE message_labels SET agent_email = (SELECT agent_email FROM messages WHERE id = "
                  "'{}')",
                  id_of("queued")),
      {});
  expect_broken(set("queued", "labels = '[\"urgency\"]'"), {"labels-agree"});
}

TEST_P(InvariantsTest, SeesARememberedAnswerAboutNothing) {
  const auto answer = [](std::string_view key, std::string_view message) {
    return fmt::format(
        "INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, "
        "completed_at_us) VALUES ('u', '{}', 'f', 202, '{}', 1)",
        key, fmt::format(R"({{"message_id":"{}"}})", message));
  };
  expect_broken(answer("first", id_of("held")), {});
  expect_broken(answer("second", "msg_never"), {"answer-true"});
}

TEST_P(InvariantsTest, SeesCountersThatDoNotAddUp) {
  expect_broken("UPDATE storage_counters SET bytes = bytes + 1", {"storage-metered"});
  expect_broken("UPDATE usage_counters SET messages = 1", {"storage-metered", "messages-metered"});
}

TEST_P(InvariantsTest, SeesWhatIsStuckOnItsWayOut) {
  const auto webhook = [&](std::string_view id) {
    run(fmt::format(
        "INSERT INTO webhooks (id, user_id, url, events, enabled_at_us, secret, created_at_us) VALUES "
        "('{}', 'u', 'https://x.example/', '[]', 1, 'x', 1)",
        id));
    run(fmt::format("INSERT INTO webhook_lanes (webhook_id) VALUES ('{}')", id));
  };
  const auto delivery = [](std::string_view id, std::string_view status, std::int64_t due) {
    return fmt::format(
        "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event_type, cause, status, "
        "due_at_us, created_at_us) VALUES ('{}', 'wh_1', 'evt_1', 'email.sent', 'event', '{}', {}, 1)",
        id, status, due);
  };
  webhook("wh_1");
  expect_broken(delivery("whd_1", "pending", kNow), {});
  expect_broken("UPDATE webhook_deliveries SET due_at_us = 1", {"webhook-delivery-moves"});
  expect_broken("UPDATE webhook_deliveries SET attempts = 1",
                {"webhook-attempts-logged", "webhook-delivery-moves"});
  expect_broken("UPDATE webhook_deliveries SET attempts = 0, status = 'delivered'",
                {"webhook-delivered-true"});
  expect_broken("DELETE FROM webhook_deliveries", {});
  expect_broken("UPDATE webhook_lanes SET worker = 'node', lease_until_us = 1", {"webhook-lease-ends"});
  expect_broken("DELETE FROM webhook_lanes", {});
  expect_broken(fmt::format("UPDATE events SET status = 'pending', created_at_us = 1 WHERE message_id = '{}'",
                            id_of("self")),
                {"event-fanned-out"});
}

TEST_P(InvariantsTest, SeesWhatNoReviewerIsToldOf) {
  expect_broken("DELETE FROM review_notifications", {"review-notification"});
  notified("held", "waiting");
  expect_broken("UPDATE review_notifications SET due_at_us = 1", {"review-notification-moves"});
  const std::string attempt =
      "INSERT INTO review_mail_attempts (mail_id, epoch, provider, begun_at_us, ended_at_us, outcome) VALUES "
      "('rmail_1', 1, 'smtp', 1, 1, 'accepted')";
  expect_broken(
      fmt::format("INSERT INTO review_mails (id, user_id, recipients, link_key, state, first_due_at_us, "
                  "due_at_us, created_at_us) VALUES ('rmail_1', 'u', '[]', '', 'queued', 1, {}, 1)",
                  kNow),
      {"review-notification-moves"});
  expect_broken("UPDATE review_mails SET due_at_us = 1",
                {"review-mail-moves", "review-mail-tells", "review-notification-moves"});
  expect_broken(fmt::format("UPDATE review_mails SET due_at_us = {}", kNow), {"review-notification-moves"});
  expect_broken("UPDATE review_notifications SET state = 'mailed', mail_id = 'rmail_1'", {});
  expect_broken("UPDATE review_mails SET due_at_us = 1", {"review-mail-moves"});
  expect_broken("UPDATE review_mails SET state = 'claimed', lease_until_us = 1", {"review-mail-lease-ends"});
  expect_broken("UPDATE review_mails SET state = 'sent', lease_until_us = NULL", {"review-mail-true"});
  expect_broken(attempt, {});
  expect_broken("UPDATE review_mails SET state = 'failed'", {"review-mail-true"});
}

TEST_P(InvariantsTest, SeesWhatWasApprovedUnseen) {
  notified("approved", "waiting");
  expect_broken(set("approved", "review_status = 'review_expired_approved'"),
                {"journal-decision", "journal-decision-true", "review-seen"});
}

TEST_P(InvariantsTest, NamesSomeOffendersAndCountsAll) {
  run("UPDATE messages SET size_bytes = 9 WHERE size_bytes = 8");
  const Report report = db().read([](store::ReadTx& tx) {
    CheckOptions options{from_us(kNow)};
    options.samples_max = 2;
    return invariants::check(tx, options);
  });
  EXPECT_FALSE(report.clean());
  EXPECT_EQ(report.violations().size(), 2U);
  const auto finding = std::ranges::find(report.findings, "bytes-kept", &Finding::rule);
  ASSERT_NE(finding, report.findings.end());
  EXPECT_EQ(finding->count, 7);

  std::ostringstream out;
  write_report(out, report);
  EXPECT_THAT(out.str(), HasSubstr("BROKEN  bytes-kept"));
  EXPECT_THAT(out.str(), HasSubstr("… and 5 more"));
  EXPECT_THAT(out.str(), HasSubstr("ok      submission-approved"));
  EXPECT_THAT(out.str(), HasSubstr(fmt::format("1 of {} rules are broken.", report.findings.size())));
}

TEST_P(InvariantsTest, SaysWhichRulesOnlyMissAServer) {
  run("UPDATE messages SET size_bytes = 9 WHERE size_bytes = 8");
  run(set_attempt("queued", fmt::format("lease_until_us = {}", kNow - 601'000'000)));
  std::ostringstream out;
  write_report(
      out, db().read([](store::ReadTx& tx) { return invariants::check(tx, CheckOptions{from_us(kNow)}); }));
  EXPECT_THAT(out.str(), HasSubstr("\nlease-ends says only that no server has done this for 10 minutes"));
}

TEST(InvariantsReportTest, SaysSoWhenAllRulesHold) {
  Report report;
  report.findings.push_back({"a-rule", "things are well", 0, {}});
  std::ostringstream out;
  write_report(out, report);
  EXPECT_EQ(out.str(), "ok      a-rule  things are well\nAll 1 rules hold.\n");
}

}  // namespace
}  // namespace countersign::invariants

// Reply and forward: whom they go to, what they refer to, what is refused.
#include "api/api_fixture.hpp"
#include "approve/approve.hpp"
#include "base/crypto.hpp"
#include "mail/parse.hpp"
#include "mailbox/mailbox.hpp"

namespace countersign::test {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kMessages = kBotPath + "/messages";

constexpr store::Query kExpireHolds("test.expire_holds",
                                    "UPDATE messages SET approval_expires_at_us = 1 WHERE id = $1");

class RepliesApiTest : public ApiTest {
 protected:
  /// Mail from outside, as SMTP would have delivered it.
  std::string arrived(const std::string& id, const std::string& raw,
                      const std::optional<std::string>& envelope_from = "writer@elsewhere.example",
                      std::optional<mailbox::ReviewStatus> review = std::nullopt) {
    const mail::Message parsed = mail::parse(raw);
    mailbox::NewInbound row;
    row.id = MessageId("msg_" + id);
    row.user = ada_id_;
    row.agent_email = kBot;
    row.method = mailbox::Method::smtp;
    row.subject = parsed.subject;
    if (parsed.from) row.header_from = parsed.from->address;
    row.sender = row.header_from.value_or("");
    row.envelope_from = envelope_from;
    row.to = parsed.to;
    row.cc = parsed.cc;
    row.reply_to_list = parsed.reply_to;
    row.rfc_message_id = parsed.message_id;
    row.conversation_id = "thread";
    row.now = clock_.now();
    EXPECT_TRUE(db().write([&](store::Tx& tx) {
      if (!review) return mailbox::create_inbound_message(tx, row, raw);
      const auto deadline = *review == mailbox::ReviewStatus::pending_review
                                ? std::optional(row.now + std::chrono::hours(1))
                                : std::nullopt;
      return mailbox::create_held_inbound(tx, row, raw, *review, "{}", deadline);
    }));
    return row.id.str();
  }
  std::string question(const std::string& more = "") {
    return arrived("question",
                   "From: Writer <writer@elsewhere.example>\r\nTo: bot@agents.example, "
                   "other@elsewhere.example\r\nCc: third@elsewhere.example\r\n" +
                       more +
                       "Subject: The question\r\nMessage-ID: <q2@elsewhere.example>\r\n"
                       "References: <q0@elsewhere.example> <q1@elsewhere.example>\r\n\r\nWhy?\r\n");
  }
  Reply reply(const std::string& id, const std::string& more = "") {
    return post(kMessages + "/" + id + "/reply", R"({"text":"Because.")" + more + "}");
  }
  Reply forward(const std::string& id, const std::string& more = R"("text":"See below.")") {
    return post(kMessages + "/" + id + "/forward", R"({"to":["friend@elsewhere.example"],)" + more + "}");
  }
  mailbox::Message row(const std::string& id) {
    return db().read([&](store::ReadTx& tx) { return mailbox::find_for_worker(tx, MessageId(id)).value(); });
  }
  mail::Message composed(const std::string& id) { return mail::parse(raw(id)); }
  std::string raw(const std::string& id) {
    return db().read([&](store::ReadTx& tx) { return mailbox::load_content(tx, MessageId(id)).raw.value(); });
  }
};
COUNTERSIGN_ON_EVERY_STORE(RepliesApiTest);

TEST_P(RepliesApiTest, AReplyGoesToTheWriterInTheSameThread) {
  const std::string id = question();
  const Reply sent = reply(id);
  ASSERT_THAT(sent, Answered(202));
  const mailbox::Message message = row(sent.text("message_id"));
  EXPECT_EQ(message.kind, mailbox::Kind::reply);
  EXPECT_EQ(message.subject, "Re: The question");
  EXPECT_EQ(message.conversation_id, "thread");
  EXPECT_THAT(message.to, ElementsAre("writer@elsewhere.example"));
  EXPECT_THAT(message.cc, IsEmpty());
  const mail::Message mail = composed(sent.text("message_id"));
  EXPECT_EQ(mail.in_reply_to, "q2@elsewhere.example");
  EXPECT_THAT(mail.references,
              ElementsAre("q0@elsewhere.example", "q1@elsewhere.example", "q2@elsewhere.example"));
  EXPECT_EQ(get(kMessages + "/" + id).text("read_status"), "read") << "by this look, not by the reply";
}

TEST_P(RepliesApiTest, ReplyToWinsOverFromAndEverybodyIsAsked) {
  const std::string id = question("Reply-To: desk@elsewhere.example, Boss <boss@elsewhere.example>\r\n");
  const Reply sent =
      reply(id, R"(,"reply_all":true,"cc":["Extra@elsewhere.example","boss@elsewhere.example"])");
  ASSERT_THAT(sent, Answered(202));
  const mailbox::Message message = row(sent.text("message_id"));
  EXPECT_THAT(message.to, ElementsAre("desk@elsewhere.example", "boss@elsewhere.example"));
  EXPECT_THAT(message.cc,
              ElementsAre("other@elsewhere.example", "third@elsewhere.example", "extra@elsewhere.example"))
      << "without the agent itself, nobody twice";
}

TEST_P(RepliesApiTest, AnAgentThatAnswersItselfStaysInToAndLeavesTheCopies) {
  const std::string id = question("Reply-To: bot@agents.example\r\n");
  const Reply sent = reply(id, R"(,"reply_all":true)");
  ASSERT_THAT(sent, Answered(202));
  const mailbox::Message message = row(sent.text("message_id"));
  EXPECT_THAT(message.to, ElementsAre(kBot));
  EXPECT_THAT(message.cc, ElementsAre("other@elsewhere.example", "third@elsewhere.example"));
  const Reply inbox = get(kMessages + "?direction=inbound&from=" + kBot);
  EXPECT_EQ(inbox.items().size(), 1U) << "its own copy";

  hold_everything();
  const std::string held = reply(id, R"(,"reply_all":true)").text("message_id");
  const Reply approved =
      post("/v1/reviews/" + held + "/approve", R"({"cc":["bot@agents.example","third@elsewhere.example"]})");
  ASSERT_THAT(approved, Answered(202));
  EXPECT_THAT(row(held).to, ElementsAre(kBot));
  EXPECT_THAT(row(held).cc, ElementsAre("third@elsewhere.example"));
}

TEST_P(RepliesApiTest, TheSubjectIsPrefixedOnceAndNeverEmpty) {
  const auto subject_of = [&](const std::string& id, const std::string& subject) {
    arrived(id, "From: w@elsewhere.example\r\nSubject: " + subject + "\r\n\r\nx\r\n");
    return row(reply("msg_" + id).text("message_id")).subject + "|" +
           row(forward("msg_" + id).text("message_id")).subject;
  };
  EXPECT_EQ(subject_of("a", "RE: figures"), "RE: figures|Fwd: RE: figures");
  EXPECT_EQ(subject_of("b", "Fw: figures"), "Re: Fw: figures|Fw: figures");
  EXPECT_EQ(subject_of("c", ""), "Re: your message|Fwd: (no subject)");
  EXPECT_EQ(subject_of("d", "=?utf-8?q?a=0D=0ABcc:_b?="), "Re: a  Bcc: b|Fwd: a  Bcc: b");
}

TEST_P(RepliesApiTest, AReplyToOwnMailGoesToItsRecipientsOnceTheyHaveIt) {
  const Reply sent = post(kMessages, R"({"to":["one@elsewhere.example"],"cc":["two@elsewhere.example"],)"
                                     R"("bcc":["three@elsewhere.example"],"subject":"s","text":"t"})");
  const std::string id = sent.text("message_id");
  EXPECT_THAT(reply(id), Refused(409, "message_not_yet_delivered"));
  EXPECT_THAT(forward(id), Refused(409, "message_not_yet_delivered"));
  hand_over(outbox::Verdict::accepted);
  const Reply again = reply(id, R"(,"reply_all":true)");
  ASSERT_THAT(again, Answered(202));
  const mailbox::Message message = row(again.text("message_id"));
  EXPECT_THAT(message.to, ElementsAre("one@elsewhere.example"));
  EXPECT_THAT(message.cc, ElementsAre("two@elsewhere.example"));
  EXPECT_THAT(message.bcc, IsEmpty());
  EXPECT_EQ(message.conversation_id, row(id).conversation_id);
  EXPECT_EQ(message.in_reply_to, row(id).rfc_message_id);

  hand_over(outbox::Verdict::accepted);
  const mailbox::Message third = row(reply(again.text("message_id")).text("message_id"));
  EXPECT_THAT(third.references, ElementsAre(row(id).rfc_message_id, message.rfc_message_id));
}

TEST_P(RepliesApiTest, AMessageToItselfIsAnsweredAtOnce) {
  const std::string id = receive("note", R"("conversation_id":"notes")");
  const Reply sent = reply(id);
  ASSERT_THAT(sent, Answered(200));
  EXPECT_EQ(sent.text("method"), "loopback");
  EXPECT_EQ(row(sent.text("message_id")).conversation_id, "notes");
}

TEST_P(RepliesApiTest, ABounceIsNeverAnswered) {
  const std::string id = arrived("bounce",
                                 "From: Mail <mailer-daemon@elsewhere.example>\r\nSubject: Undelivered\r\n"
                                 "Auto-Submitted: auto-replied\r\n\r\nno such user\r\n",
                                 std::nullopt);
  const auto before = row_counts();
  const Reply refused = reply(id);
  EXPECT_THAT(refused, Refused(400, "invalid_request"));
  EXPECT_THAT(refused.body, HasSubstr("null sender"));
  EXPECT_THAT(reply(id, R"(,"reply_all":true)"), Refused(400, "invalid_request"));
  EXPECT_EQ(row_counts(), before);
  EXPECT_THAT(forward(id), Answered(202)) << "a person may be shown it";
}

TEST_P(RepliesApiTest, WhatCannotBeReadCannotBeReferredTo) {
  using mailbox::ReviewStatus;
  const std::string raw = "From: w@elsewhere.example\r\nSubject: hidden\r\n\r\nx\r\n";
  std::vector<std::string> ids = {"msg_none",
                                  arrived("held", raw, "w@x.example", ReviewStatus::pending_review),
                                  arrived("blocked", raw, "w@x.example", ReviewStatus::review_rejected)};
  const std::string trashed = question();
  EXPECT_THAT(remove(kMessages + "/" + trashed), Answered(200));
  ids.push_back(trashed);
  hold_everything();
  ids.push_back(held("waiting"));
  const auto before = row_counts();
  for (const std::string& id : ids) {
    EXPECT_THAT(reply(id), Refused(404, "not_found")) << id;
    EXPECT_THAT(forward(id), Refused(404, "not_found")) << id;
  }
  EXPECT_EQ(row_counts(), before);
}

TEST_P(RepliesApiTest, AMessageOfAnotherAgentDoesNotExist) {
  const std::string id = question();
  const std::string sister = "/v1/agents/sister@agents.example/messages/" + id + "/reply";
  EXPECT_THAT(post(sister, R"({"text":"x"})"), Refused(404, "not_found"));
  EXPECT_THAT(ask({"POST", kMessages + "/" + id + "/reply", R"({"text":"x"})", eve_, {}}),
              Refused(404, "not_found"));
  EXPECT_THAT(ask({"POST", sister, R"({"text":"x"})", bot_, {}}), Refused(403, "forbidden"));
  EXPECT_THAT(ask({"POST", kMessages + "/" + id + "/reply", R"({"text":"x"})", bot_, {}}), Answered(202));
}

TEST_P(RepliesApiTest, AKeyedReplyIsSentOnce) {
  const std::string id = question();
  const std::string path = kMessages + "/" + id + "/reply";
  const Reply first = keyed(path, R"({"text":"once"})", "k1");
  ASSERT_THAT(first, Answered(202));
  const auto before = row_counts();
  EXPECT_EQ(keyed(path, R"({"text":"once"})", "k1").body, first.body);
  EXPECT_THAT(keyed(path, R"({"text":"twice"})", "k1"), Refused(422, "idempotency_key_reuse"));
  EXPECT_THAT(keyed(kMessages + "/" + id + "/forward", R"({"to":["a@x.example"],"text":"once"})", "k1"),
              Refused(422, "idempotency_key_reuse"));
  EXPECT_EQ(row_counts(), before);
  EXPECT_THAT(remove(kMessages + "/" + id), Answered(200));
  EXPECT_THAT(keyed(path, R"({"text":"once"})", "k1"), Refused(404, "not_found"))
      << "the parent is asked about on every call";
}

TEST_P(RepliesApiTest, OfAReplyToAllThoseCountThatAreLeft) {
  std::string others = "bot@agents.example, writer@elsewhere.example";
  for (int i = 0; i < 49; ++i) others += ", r" + std::to_string(i) + "@x.example";
  const std::string id = arrived(
      "crowd", "From: writer@elsewhere.example\r\nTo: " + others + "\r\nSubject: To all\r\n\r\nx\r\n");
  EXPECT_THAT(reply(id, R"(,"reply_all":true,"cc":["one-more@x.example"])"),
              Refused(400, "too_many_recipients"));
  EXPECT_THAT(reply(id, R"(,"reply_all":true,"cc":["r1@x.example"])"), Answered(202));
}

TEST_P(RepliesApiTest, WhatIsWrongWithTheReplyItselfIsRefused) {
  const std::string id = question();
  EXPECT_THAT(post(kMessages + "/" + id + "/reply", R"({"text":""})"), Refused(400, "invalid_request"));
  EXPECT_THAT(post(kMessages + "/" + id + "/reply", R"({})"), Refused(422, "invalid_request"));
  EXPECT_THAT(reply(id, R"(,"to":["a@x.example"])"), Refused(422, "invalid_request"));
  EXPECT_THAT(reply(id, R"(,"cc":["nobody"])"), Refused(400, "invalid_recipient"));
  std::string many;
  for (int i = 0; i < 50; ++i) many += (i ? ",\"r" : "\"r") + std::to_string(i) + "@x.example\"";
  EXPECT_THAT(reply(id, R"(,"cc":[)" + many + "]"), Refused(400, "too_many_recipients"));
  EXPECT_THAT(forward(id, R"("text":"","to":[])"), Refused(400, "invalid_request"));
  const std::string nobody = arrived("nobody", "Subject: from nobody\r\n\r\nx\r\n");
  EXPECT_THAT(reply(nobody), Refused(400, "invalid_recipient"));
}

TEST_P(RepliesApiTest, AForwardQuotesTheOriginalAndCarriesItsAttachments) {
  const std::string original =
      arrived("files",
              "From: \"Writer, A\" <writer@elsewhere.example>\r\nTo: bot@agents.example\r\n"
              "Subject: Files\r\nMessage-ID: <f@elsewhere.example>\r\nMIME-Version: 1.0\r\n"
              "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
              "It's <here>\r\n> and the history\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
              "Content-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n--b--\r\n");
  const Reply sent = forward(
      original,
      R"("text":"For you.","attachments":[{"filename":"b.txt","content_type":"text/plain","data":"aGk="}])");
  ASSERT_THAT(sent, Answered(202));
  const std::string id = sent.text("message_id");
  const mailbox::Message message = row(id);
  EXPECT_EQ(message.kind, mailbox::Kind::forward);
  EXPECT_NE(message.conversation_id, "thread");
  EXPECT_EQ(message.in_reply_to, "");
  const mail::Decomposition mail = mail::decompose(raw(id));
  EXPECT_THAT(mail.text, StartsWith("For you.\n\n---------- Forwarded message ----------\n"
                                    "From: Writer, A <writer@elsewhere.example>\nDate: "));
  EXPECT_THAT(mail.text,
              HasSubstr("Subject: Files\nTo: bot@agents.example\n\nIt's <here>\n> and the history"));
  EXPECT_THAT(mail.html, HasSubstr("It&#39;s &lt;here&gt;<br>\n&gt; and the history"));
  ASSERT_EQ(mail.parts.size(), 2U);
  EXPECT_EQ(mail.parts[0].filename, "a.pdf");
  EXPECT_EQ(mail.parts[0].content, std::string("\0\1\2\xff", 4));
  EXPECT_EQ(mail.parts[1].filename, "b.txt");
  EXPECT_THAT(raw(id), testing::Not(HasSubstr("In-Reply-To")));
}

TEST_P(RepliesApiTest, CarriedAttachmentsCountAgainstTheLimits) {
  std::string original =
      "From: w@elsewhere.example\r\nSubject: big\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 10; ++i) {
    original += "--b\r\nContent-Type: application/x; name=f" + std::to_string(i) + "\r\n\r\nx\r\n";
  }
  const std::string ten = arrived("ten", original + "--b--\r\n");
  EXPECT_THAT(forward(ten), Answered(202));
  const Reply eleven = forward(
      ten, R"("text":"x","attachments":[{"filename":"b","content_type":"text/plain","data":"aGk="}])");
  EXPECT_THAT(eleven, Refused(400, "invalid_request"));
  const std::string large = arrived(
      "large", "From: w@elsewhere.example\r\nSubject: big\r\nContent-Type: application/x; name=f\r\n\r\n" +
                   std::string(10'485'000, 'x'));
  EXPECT_THAT(forward(large, R"("text":")" + std::string(2'000, 'y') + "\""),
              Refused(413, "payload_too_large"));
}

TEST_P(RepliesApiTest, AHeldReplyKeepsItsThreadThroughReviewAndApproval) {
  hold_everything();
  const std::string id = reply(question()).text("message_id");
  EXPECT_THAT(post("/v1/reviews/" + id + "/approve", R"({"text":"Because, edited."})"), Answered(202));
  const mail::Message mail = composed(id);
  EXPECT_EQ(mail.in_reply_to, "q2@elsewhere.example");
  EXPECT_EQ(mail.references.size(), 3U);
  EXPECT_THAT(mail.text, HasSubstr("edited"));
  EXPECT_EQ(row(id).kind, mailbox::Kind::reply);
}

TEST_P(RepliesApiTest, AForwardThatTheClockApprovesStaysAForward) {
  hold_everything(R"({"on_expiry":"approve"})");
  const std::string id = forward(question()).text("message_id");
  const auto decision = db().write([&](store::Tx& tx) {
    tx.execute(kExpireHolds, {id});
    const approve::Expired expired{ada_id_, MessageId(id), account::OnExpiry::approve, from_us(1)};
    return approve::expire_approve_and_send(tx, expired, send_step_, kSharedDomain,
                                            {notify::OnUnseen::approve}, clock_.now());
  });
  ASSERT_TRUE(decision.has_value());
  const mailbox::Message message = row(id);
  EXPECT_EQ(message.kind, mailbox::Kind::forward);
  EXPECT_THAT(message.to, ElementsAre("friend@elsewhere.example"));
  EXPECT_THAT(raw(id), testing::Not(HasSubstr("In-Reply-To")));
  EXPECT_THAT(composed(id).text, HasSubstr("See below."));
}

TEST_P(RepliesApiTest, WaitingForAReplyWaitsAsASendDoes) {
  const std::string id = receive("note");
  const Reply sent = post(kMessages + "/" + id + "/reply?wait=sent", R"({"text":"x"})");
  ASSERT_THAT(sent, Answered(200));
  EXPECT_EQ(sent.text("status"), "sent");
}

TEST_P(RepliesApiTest, AProbeGoesTheWayOfMailFromOutside) {
  const Reply sent = ask({"POST", kBotPath + "/test", "{}", bot_, {}});
  ASSERT_THAT(sent, Answered(202));
  EXPECT_EQ(sent.text("status"), "accepted");
  const mailbox::Message message = row(sent.text("message_id"));
  EXPECT_EQ(message.kind, mailbox::Kind::test);
  EXPECT_THAT(message.to, ElementsAre(kBot));
  EXPECT_EQ(row_counts()["submissions"], 1);
  EXPECT_EQ(row_counts()["messages"], 1) << "no copy by a short cut";
  const mail::Message mail = composed(sent.text("message_id"));
  EXPECT_EQ(mail.from, (mail::Mailbox{"e2a", "noreply@agents.example"}));
  hold_everything();
  const Reply held = post(kBotPath + "/test", "");
  ASSERT_THAT(held, Answered(202));
  EXPECT_EQ(held.text("status"), "pending_review");
  EXPECT_TRUE(held.has("approval_expires_at"));
  EXPECT_THAT(ask({"POST", "/v1/agents/sister@agents.example/test", "", bot_, {}}),
              Refused(403, "forbidden"));
  EXPECT_THAT(ask({"POST", kBotPath + "/test", "", eve_, {}}), Refused(404, "not_found"));
}

}  // namespace
}  // namespace countersign::test

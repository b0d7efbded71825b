"""What comes back after a hand-over: SES events over SNS, and bounces by mail."""

import datetime
import json
import unittest

from support.client import draft, path_of
from support.maildir import Maildir
from support.relay import PostfixRelay
from support.scenario import AGENT, on_both_stores
from support.sns import SnsStandIn, now, ses_event
from support.waiting import eventually

TO = "someone@example.org"

sns = None  # one for all tests: every envelope has an id of its own


def setUpModule():
    global sns
    sns = unittest.enterModuleContext(SnsStandIn())


class Frame:
    """A server that hands over into a Maildir, and one agent."""

    def start(self, **settings):
        self.server = self.start_server(**{**sns.settings(), **settings})
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)
        return self.account

    def send(self, to=TO, **more):
        """A message that the provider has taken."""
        message_id = self.account.send(AGENT, draft("Figures", to, **more))["message_id"]
        self.wait_for_delivery_status(self.account, message_id, "sent")
        return message_id

    def status(self, message_id):
        return self.account.message(AGENT, message_id)["delivery_status"]

    def lifecycle(self, message_id):
        """(reason_code, recipient) of what was observed after the acceptance by the provider."""
        path = path_of("agents", AGENT, "messages", message_id, "lifecycle")
        rows = self.account.ask(200, "GET", path).json["items"]
        rows = [(row["reason_code"], row.get("recipient")) for row in rows]
        return rows[rows.index(("submission.upstream_accepted", None)) + 1:]

    def evidence(self, message_id, reason_code):
        path = path_of("agents", AGENT, "messages", message_id, "lifecycle")
        [row] = [row for row in self.account.ask(200, "GET", path).json["items"]
                 if row["reason_code"] == reason_code]
        return row["evidence"]

    def events(self, message_id):
        rows = self.store.rows(f"SELECT type FROM events WHERE message_id = '{message_id}' ORDER BY position")
        return [kind for [kind] in rows]

    def suppressed(self):
        return [tuple(row) for row in
                self.store.rows("SELECT address, source FROM account_suppressions ORDER BY address")]

    def count_of(self, source, outcome):
        """The counter of feedback with that outcome."""
        text = self.account.client.request("GET", "/metrics").body.decode()
        for line in text.splitlines():
            if line.startswith("countersign_feedback_total{") and f'source="{source}"' in line \
                    and f'outcome="{outcome}"' in line:
                return int(float(line.rsplit(" ", 1)[1]))
        return 0


@on_both_stores
class SesEvents(Frame):
    def deliver_event(self, envelope):
        """As SNS does: again where it was asked to come again."""
        self.assertEqual(sns.deliver(self.server.url, envelope), 200)

    def tell(self, kind, message_id, *, recipients=(TO,), **details):
        envelope = sns.notification(ses_event(kind, message_id=message_id, recipients=recipients, **details))
        self.deliver_event(envelope)
        return envelope

    def test_a_delivery_ends_as_delivered(self):
        self.start()
        message_id = self.send()
        self.tell("Send", message_id)
        self.assertEqual(self.status(message_id), "sent")
        self.tell("Delivery", message_id, smtpResponse="250 2.0.0 fine")
        self.assertEqual(self.status(message_id), "delivered")
        self.assertEqual(self.lifecycle(message_id), [("delivery.recipient_server_accepted", TO)])
        self.assertEqual(self.evidence(message_id, "delivery.recipient_server_accepted")["smtp_detail"],
                         "250 2.0.0 fine")
        self.assertEqual(self.events(message_id), ["email.sent", "email.delivered"])
        self.assertEqual(self.suppressed(), [])

    def test_a_delay_is_deferred_without_an_event(self):
        self.start()
        message_id = self.send()
        self.tell("DeliveryDelay", message_id, delayType="MailboxFull")
        self.assertEqual(self.status(message_id), "deferred")
        self.assertEqual(self.lifecycle(message_id), [("delivery.temporary_delay", TO)])
        self.assertEqual(self.events(message_id), ["email.sent"])
        self.tell("Delivery", message_id, smtpResponse="250 ok")
        self.assertEqual(self.status(message_id), "delivered")

    def test_a_permanent_bounce_suppresses_and_the_next_send_is_refused(self):
        self.start()
        message_id = self.send()
        self.tell("Bounce", message_id, bounceType="Permanent", bounceSubType="General")
        self.assertEqual(self.status(message_id), "bounced")
        self.assertEqual([reason for reason, _ in self.lifecycle(message_id)],
                         ["delivery.permanent_bounce", "suppression.hard_bounce_applied"])
        evidence = self.evidence(message_id, "delivery.permanent_bounce")
        self.assertEqual((evidence["bounce_type"], evidence["bounce_sub_type"]), ("permanent", "General"))
        self.assertIn("email.bounced", self.events(message_id))
        self.assertEqual(self.suppressed(), [(TO, "bounce")])
        refused = self.account.ask(422, "POST", path_of("agents", AGENT, "messages"), draft("Again", TO))
        self.assertEqual(refused.code, "recipient_suppressed")

    def test_other_bounces_suppress_nobody(self):
        self.start()
        for kind, reason in (("Transient", "delivery.transient_bounce"),
                             ("Undetermined", "delivery.undetermined_bounce")):
            message_id = self.send()
            self.tell("Bounce", message_id, bounceType=kind, bounceSubType="General")
            self.assertEqual(self.status(message_id), "bounced")
            self.assertEqual(self.lifecycle(message_id), [(reason, TO)])
        self.assertEqual(self.suppressed(), [])

    def test_a_complaint_suppresses_and_that_it_was_no_spam_does_not(self):
        self.start()
        message_id = self.send()
        self.tell("Delivery", message_id)
        self.tell("Complaint", message_id, complaintFeedbackType="not-spam")
        self.assertEqual(self.status(message_id), "delivered")
        self.tell("Complaint", message_id, complaintFeedbackType="abuse")
        self.assertEqual(self.status(message_id), "complained")
        self.assertEqual(self.suppressed(), [(TO, "complaint")])
        self.assertIn("email.complained", self.events(message_id))

    def test_what_the_provider_drops_has_failed(self):
        self.start()
        for kind, details in (("Reject", {"reason": "Bad content"}),
                              ("Rendering Failure", {"errorMessage": "Bad content"})):
            message_id = self.send()
            self.tell(kind, message_id, recipients=(), **details)
            self.assertEqual(self.status(message_id), "failed")
            self.assertIn("Bad content", self.account.message(AGENT, message_id)["delivery_detail"])
            self.assertIn("email.failed", self.events(message_id))
        self.assertEqual(self.suppressed(), [])

    def test_each_recipient_has_its_own_state(self):
        self.start()
        message_id = self.send(["one@example.org", "two@example.org"])
        self.tell("Delivery", message_id, recipients=("one@example.org",))
        self.assertNotEqual(self.status(message_id), "delivered", "one of two was")
        self.tell("Bounce", message_id, recipients=("two@example.org",), bounceType="Transient")
        self.assertEqual(self.status(message_id), "bounced")
        self.tell("Bounce", message_id, recipients=("stranger@example.org",), bounceType="Permanent")
        self.assertEqual(self.suppressed(), [], "the message did not go to a stranger")

    def test_told_twice_and_out_of_order_it_happens_once_and_never_moves_down(self):
        self.start()
        message_id = self.send()
        late = sns.notification(ses_event("DeliveryDelay", message_id=message_id, recipients=[TO]))
        bounce = self.tell("Bounce", message_id, bounceType="Permanent", bounceSubType="General")
        rows, events = self.lifecycle(message_id), self.events(message_id)
        for _ in range(2):
            self.deliver_event(bounce)
        self.assertEqual(self.count_of("ses", "repeated"), 2)
        self.assertEqual((self.lifecycle(message_id), self.events(message_id)), (rows, events))
        self.deliver_event(late)
        self.assertEqual(self.status(message_id), "bounced")
        self.assertEqual(self.events(message_id), events)

    def test_the_older_notifications_and_the_tag_of_the_attempt_correlate_too(self):
        self.start()
        message_id = self.send()
        older = ses_event("Delivery", message_id=message_id, recipients=[TO], older=True)
        self.deliver_event(sns.notification(older))
        self.assertEqual(self.status(message_id), "delivered")
        message_id = self.send()
        [[submission]] = self.store.rows(f"SELECT id FROM submissions WHERE message_id = '{message_id}'")
        tagged = ses_event("Delivery", submission=submission, recipients=[TO])
        self.deliver_event(sns.notification(tagged, version=1))
        self.assertEqual(self.status(message_id), "delivered")

    def test_an_unknown_outcome_is_settled_by_what_the_provider_tells(self):
        self.start(dispatcher__lease_seconds=1)
        self.account.hold_everything(AGENT)
        message_id = self.account.send(AGENT, draft("Lost", TO))["message_id"]
        self.server.stop()
        self.server.restart(fault="dispatcher.fenced=kill")
        self.approve_and_die(self.server, self.account, message_id)
        self.wait_for_delivery_status(self.account, message_id, "unknown", "sent")
        self.tell("Delivery", message_id)
        self.assertEqual(self.status(message_id), "delivered")

    def test_what_says_nothing_about_a_message_is_taken_and_changes_nothing(self):
        self.start()
        message_id = self.send()
        self.tell("Open", message_id)
        hello = sns.notification("Successfully validated SNS topic for Amazon SES event publishing.",
                                 subject=None)
        self.deliver_event(hello)
        unknown = ses_event("Bounce", message_id="msg_" + "0" * 32, recipients=[TO], bounceType="Permanent")
        self.deliver_event(sns.notification(unknown))
        self.assertEqual(self.status(message_id), "sent")
        self.assertEqual(self.suppressed(), [])

    def test_a_subscription_is_confirmed_towards_sns_only(self):
        self.start()
        before = len(sns.confirmed)
        for version in (1, 2):
            envelope = sns.confirmation(version=version)
            self.deliver_event(envelope)
            self.assertEqual(sns.confirmed[-1], json.loads(envelope)["Token"])
        confirmed = len(sns.confirmed)
        self.assertEqual(len(set(sns.confirmed[before:])), 2)
        foreign = sns.confirmation(topic="arn:aws:sns:eu-west-1:999999999999:other")
        self.assertEqual(sns.deliver(self.server.url, foreign), 403)
        elsewhere = sns.confirmation(url="https://127.0.0.1:1/?Action=ConfirmSubscription")
        self.assertEqual(sns.deliver(self.server.url, elsewhere), 403)
        self.assertEqual(len(sns.confirmed), confirmed)
        ended = sns.confirmation(kind="UnsubscribeConfirmation")
        self.deliver_event(ended)
        self.assertEqual(len(sns.confirmed), confirmed, "nobody subscribes again by himself")
        self.assertTrue(self.server.log_events("feedback.unsubscribed"))

    def test_what_is_not_genuine_changes_nothing(self):
        self.start()
        message_id = self.send()
        bounce = ses_event("Bounce", message_id=message_id, recipients=[TO], bounceType="Permanent")
        day = datetime.timedelta(days=1)
        forged = {
            "foreign_topic": sns.notification(bounce, topic="arn:aws:sns:eu-west-1:999999999999:other"),
            "stale": sns.notification(bounce, when=now() - 2 * day),
            "bad_certificate": sns.notification(bounce, certificate="expired", key="expired"),
            "bad_signature": sns.notification(bounce, key="expired"),
        }
        for outcome, envelope in forged.items():
            with self.subTest(outcome):
                self.assertEqual(sns.deliver(self.server.url, envelope), 403)
                self.assertEqual(self.count_of("ses", outcome), 1)
        other_name = sns.notification(bounce, certificate="other_name", key="other_name")
        self.assertEqual(sns.deliver(self.server.url, other_name), 403)
        changed = json.loads(sns.notification(bounce))
        changed["Message"] = changed["Message"].replace("Permanent", "Transient")
        self.assertEqual(sns.deliver(self.server.url, json.dumps(changed).encode()), 403)
        changed = {**json.loads(sns.notification(bounce)), "SigningCertURL": "https://127.0.0.1:1/a.pem"}
        self.assertEqual(sns.deliver(self.server.url, json.dumps(changed).encode()), 403)
        self.assertEqual(self.status(message_id), "sent")
        self.assertEqual(self.suppressed(), [])

    def test_what_is_malformed_is_400_and_what_is_too_large_413(self):
        self.start()
        client = self.account.client
        for body in (b"", b"{}", b"[]", b"\xff", b'{"Type":"Notification"}'):
            self.assertEqual(client.request("POST", "/webhooks/ses", body).status, 400, body)
        self.assertEqual(sns.deliver(self.server.url, sns.notification({"eventType": "Bounce"})), 400)
        self.assertEqual(client.request("POST", "/webhooks/ses", b"x" * 400_000).status, 413)
        self.assertEqual(client.request("GET", "/webhooks/ses").status, 405)

    def test_while_the_store_is_away_sns_is_asked_to_come_again(self):
        self.start()
        message_id = self.send()
        envelope = sns.notification(ses_event("Delivery", message_id=message_id, recipients=[TO]))
        self.server.stop()
        self.server.restart(fault="outbox.feedback@1=throw")
        self.assertEqual(sns.post(self.server.url, envelope), 503)
        self.assertEqual(self.status(message_id), "sent")
        self.assertEqual(sns.deliver(self.server.url, envelope), 200)
        self.assertEqual(self.status(message_id), "delivered")

    def test_killed_on_either_side_of_the_commit_it_is_applied_once(self):
        self.start()
        for fault in ("feedback.ses_verified=kill", "feedback.ses_committed=kill"):
            with self.subTest(fault):
                message_id = self.send()
                envelope = sns.notification(ses_event("Delivery", message_id=message_id, recipients=[TO]))
                self.server.stop()
                self.server.restart(fault=fault)
                with self.assertRaises(OSError):
                    sns.post(self.server.url, envelope)
                self.server.wait_until_killed()
                self.server.restart()
                self.assertEqual(sns.deliver(self.server.url, envelope), 200)
                self.assertEqual(self.status(message_id), "delivered")
                self.assertEqual(self.events(message_id), ["email.sent", "email.delivered"])

    def test_without_a_topic_there_is_no_such_path(self):
        self.start(feedback__sns_topic_arns="")
        message_id = self.send()
        envelope = sns.notification(ses_event("Delivery", message_id=message_id, recipients=[TO]))
        self.assertEqual(sns.post(self.server.url, envelope), 404)


BOUNCE = """\
Return-Path: <>
Delivered-To: {return_path}
From: MAILER-DAEMON@mx.example.org
To: <{return_path}>
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {reply}

--b--
"""


@on_both_stores
class BouncesByMail(Frame):
    def start(self, **settings):
        self.inbox = self.directory / "bounces"
        for part in ("tmp", "new", "cur"):
            (self.inbox / part).mkdir(parents=True)
        return super().start(feedback__bounce_maildir=self.inbox, feedback__bounce_poll_interval_ms=50,
                             **settings)

    def return_path(self, message_id):
        [mail] = [mail for mail in self.server.maildir.mails() if mail.message_id == message_id]
        return mail["Return-Path"].strip("<>")

    def bounce(self, message_id, *, recipient=TO, action="failed", status="5.1.1", reply="550 5.1.1 unknown",
               name="1"):
        content = BOUNCE.format(return_path=self.return_path(message_id), recipient=recipient, action=action,
                                status=status, reply=reply)
        self.deliver(name, content)

    def deliver(self, name, content):
        tmp = self.inbox / "tmp" / name
        tmp.write_text(content)
        tmp.rename(self.inbox / "new" / name)

    def wait_until_read(self, count=1):
        eventually("every bounce is read", lambda: not list((self.inbox / "new").iterdir()) and
                   len(list((self.inbox / "cur").iterdir())) == count)

    def test_a_permanent_bounce_finds_its_message_and_suppresses(self):
        self.start()
        message_id = self.send()
        self.assertRegex(self.return_path(message_id), r"^bounces\+[a-z2-7]{42}@bounce\.agents\.localhost$")
        self.bounce(message_id)
        self.wait_for_delivery_status(self.account, message_id, "bounced")
        self.assertEqual([reason for reason, _ in self.lifecycle(message_id)],
                         ["delivery.permanent_bounce", "suppression.hard_bounce_applied"])
        self.assertEqual(self.evidence(message_id, "delivery.permanent_bounce")["smtp_detail"], "550 5.1.1 unknown")
        self.assertEqual(self.suppressed(), [(TO, "bounce")])
        self.wait_until_read()

    def test_delays_and_transient_bounces_suppress_nobody(self):
        self.start()
        message_id = self.send()
        self.bounce(message_id, action="delayed", status="4.4.1", name="1")
        self.wait_for_delivery_status(self.account, message_id, "deferred")
        self.bounce(message_id, status="4.4.7", name="2")
        self.wait_for_delivery_status(self.account, message_id, "bounced")
        self.assertEqual(self.suppressed(), [])

    def test_what_is_no_bounce_of_ours_is_put_aside_and_changes_nothing(self):
        self.start()
        message_id = self.send()
        forged = self.return_path(message_id)
        forged = forged.replace(forged[10], "a" if forged[10] != "a" else "b", 1)
        self.deliver("1", BOUNCE.format(return_path=forged, recipient=TO, action="failed", status="5.1.1", reply="-"))
        self.deliver("2", "Subject: a letter\n\nHello.\n")
        self.deliver("3", "")
        (self.inbox / "new" / "4").symlink_to("/etc/passwd")
        self.bounce(message_id, recipient="stranger@example.org", name="5")
        self.wait_until_read(5)
        self.assertEqual(self.status(message_id), "sent")
        self.assertEqual(self.suppressed(), [])
        self.assertEqual((self.count_of("dsn", "no_token"), self.count_of("dsn", "no_report"),
                          self.count_of("dsn", "unreadable")), (1, 2, 1))

    def test_killed_at_any_point_a_bounce_is_applied_once(self):
        self.start()
        for point in ("read", "committed", "moved"):
            with self.subTest(point):
                address = f"{point}@example.org"
                message_id = self.send(address)
                self.server.stop()
                self.bounce(message_id, recipient=address, name=point)
                self.server.restart(fault=f"feedback.bounce_{point}=kill")
                self.server.wait_until_killed()
                self.server.restart()
                self.wait_for_delivery_status(self.account, message_id, "bounced")
                eventually("the bounce is put aside", lambda: not list((self.inbox / "new").iterdir()))
                self.assertEqual([reason for reason, _ in self.lifecycle(message_id)],
                                 ["delivery.permanent_bounce", "suppression.hard_bounce_applied"])
                self.assertEqual(self.events(message_id).count("email.bounced"), 1)

    def test_while_the_store_is_away_bounces_stay_where_they_are(self):
        self.start()
        message_id = self.send()
        self.server.stop()
        self.bounce(message_id)
        self.server.restart(fault="outbox.feedback@1=throw")
        self.wait_for_delivery_status(self.account, message_id, "bounced")
        self.assertTrue(self.server.log_events("periodic.failed"))
        self.wait_until_read()

    def test_plain_senders_are_to_be_had(self):
        self.start(outbound__return_path="plain")
        self.assertEqual(self.return_path(self.send()), "bounces@bounce.agents.localhost")


@on_both_stores
class RealBounces(Frame):
    """A real Postfix cannot deliver what it has taken, and its bounce comes into the Maildir."""

    def test_a_bounce_that_postfix_writes_is_applied(self):
        postfix = self.enterContext(PostfixRelay())
        mailbox = Maildir(postfix.info["maildir"])
        info = postfix.info
        self.start(
            smtp__host=info["host"], smtp__port=info["port"], smtp__tls="starttls", smtp__ca_file=info["ca_file"],
            smtp__username=info["username"], smtp__password=info["password"],
            feedback__bounce_maildir=info["maildir"], feedback__bounce_poll_interval_ms=50)
        message_id = self.account.send(AGENT, draft("Bounces", "late-gone@example.org"))["message_id"]
        message = self.wait_for_delivery_status(self.account, message_id, "bounced")
        self.assertEqual(message["review_status"], "sent")
        evidence = self.evidence(message_id, "delivery.permanent_bounce")
        self.assertEqual((evidence["bounce_type"], evidence["bounce_sub_type"]), ("permanent", "5.1.1"))
        self.assertIn("no longer here", evidence["smtp_detail"])
        self.assertEqual(self.suppressed(), [("late-gone@example.org", "bounce")])
        [bounce] = mailbox.mails()
        self.assertEqual(bounce["Return-Path"], "<>")
        self.assertEqual(bounce.path.parent.name, "cur")


if __name__ == "__main__":
    unittest.main()

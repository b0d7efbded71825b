"""Through a real Postfix as the relay, over STARTTLS with AUTH, into a local mailbox."""

import base64
import json
import unittest

from support.client import curl, draft, path_of
from support.maildir import Maildir
from support.relay import PostfixRelay, relay_settings
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

ATTACHMENT = bytes(range(256)) * 300 + b"\r\n.\r\n..\r\n"


relay = None  # one for all tests: every message has an id of its own


def setUpModule():
    global relay
    relay = unittest.enterModuleContext(PostfixRelay())


@on_both_stores
class Relay:
    def setUp(self):
        super().setUp()
        self.relay = relay
        self.mailbox = Maildir(relay.info["maildir"])

    def start_with_relay(self, **changes):
        server = self.start_server(**{**relay_settings(self.relay), **changes})
        account = self.open_account(server)
        account.create_agent(AGENT, "Ada's agent")
        return server, account

    def arrived(self, message_id):
        """Envelope recipient and mail of every copy of that message, by recipient."""
        mails = [mail for mail in self.mailbox.mails() if mail.message_id == message_id]
        return sorted(((mail["Delivered-To"], mail) for mail in mails), key=lambda pair: pair[0])

    def recipients_of(self, message_id):
        return [recipient for recipient, _ in self.arrived(message_id)]

    def test_a_held_mail_arrives_as_edited_with_its_attachment_intact(self):
        server, account = self.start_with_relay()
        account.hold_everything(AGENT)
        body = {"to": ["someone@example.org"], "subject": "Draft", "text": ".dot\n..\n.\nGrüße\n",
                "attachments": [{"filename": "data.bin", "content_type": "application/octet-stream",
                                 "data": base64.b64encode(ATTACHMENT).decode()}]}
        sent = curl("--json", "@-", "--header", f"Authorization: Bearer {account.agent_key(AGENT)}",
                    server.url + path_of("agents", AGENT, "messages"), stdin=json.dumps(body))
        self.assertEqual((sent.status, sent.json["status"]), (202, "pending_review"), sent)
        message_id = sent.json["message_id"]
        self.assertEqual([item["id"] for item in account.reviews()], [message_id])
        approved = curl("--json", '{"subject": "Countersigned – März"}', "--header",
                        f"Authorization: Bearer {account.client.key}",
                        server.url + path_of("reviews", message_id, "approve"))
        self.assertEqual((approved.status, approved.json["edited"]), (202, True), approved)

        [(recipient, mail)] = eventually("the mail arrives", lambda: self.arrived(message_id))
        self.assertEqual(recipient, "someone@example.org")
        self.assertEqual(mail.subject, "Countersigned – März")
        self.assertEqual(mail.text, ".dot\n..\n.\nGrüße\n")
        self.assertEqual(mail.attachments, [("data.bin", ATTACHMENT)])
        self.assertRegex(mail["Return-Path"], r"^<bounces\+[a-z2-7]{42}@bounce\.agents\.localhost>$")
        received = mail["Received"]
        self.assertIn("ESMTPSA", received, "over TLS, authenticated (RFC 3848)")

        message = self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(message["review_status"], "sent")
        self.assertEqual(self.recipients_of(message_id), ["someone@example.org"])
        self.assertEqual(curl(server.url + "/v1/info").json["outbound_transport"], "smtp")
        self.assertEqual(server.log_events("node.no_relay"), [])
        self.assertEqual(server.maildir.mails(), [])

    def test_wait_sent_answers_with_what_the_relay_said(self):
        _, account = self.start_with_relay()
        answer = account.ask(200, "POST", path_of("agents", AGENT, "messages") + "?wait=sent",
                             draft("Waited")).json
        self.assertEqual((answer["status"], answer["method"]), ("sent", "smtp"))

    def test_one_refused_recipient_does_not_fail_the_others(self):
        _, account = self.start_with_relay()
        body = draft("To many", ["one@example.org", "gone@example.org", "Two <two@example.net>"],
                     bcc=["hidden@example.org"])
        message_id = account.send(AGENT, body)["message_id"]
        eventually("the others have it", lambda: len(self.arrived(message_id)) == 3)
        self.wait_until_settled()
        self.assertEqual(self.recipients_of(message_id),
                         ["hidden@example.org", "one@example.org", "two@example.net"])
        self.assertTrue(all(mail["Bcc"] is None for _, mail in self.arrived(message_id)))
        states = dict(self.store.rows("SELECT address, state FROM message_recipients"))
        self.assertEqual(states, {"one@example.org": "accepted", "two@example.net": "accepted",
                                  "hidden@example.org": "accepted", "gone@example.org": "refused"})
        message = account.message(AGENT, message_id)
        self.assertNotEqual(message["delivery_status"], "delivered")
        self.assertIn("gone@example.org", message["delivery_detail"])

    def test_a_mail_that_nobody_takes_has_failed(self):
        _, account = self.start_with_relay()
        message_id = account.send(AGENT, draft("Refused", "gone@example.org"))["message_id"]
        message = self.wait_for_delivery_status(account, message_id, "failed")
        self.assertIn("no such user", message["delivery_detail"])
        self.assertEqual(self.arrived(message_id), [])

    def test_a_mail_that_is_deferred_waits_for_its_next_attempt(self):
        _, account = self.start_with_relay()
        message_id = account.send(AGENT, draft("Deferred", "busy@example.org"))["message_id"]
        eventually("the attempt is recorded",
                   lambda: self.store.rows("SELECT id FROM submissions WHERE state = 'deferred'"))
        message = account.message(AGENT, message_id)
        self.assertNotIn(message["delivery_status"], ("failed", "sent", "delivered"))
        queued = self.store.rows("SELECT attempt FROM submissions WHERE state = 'queued'")
        self.assertEqual(queued, [["2"]])

    def test_a_wrong_password_fails_no_message_and_is_made_good_by_the_right_one(self):
        server, account = self.start_with_relay(smtp__password="wrong")
        server.expect_errors("dispatcher.provider_unavailable")
        message_id = account.send(AGENT, draft("Patient"))["message_id"]
        eventually("the log says that the relay cannot be used",
                   lambda: server.log_events("dispatcher.provider_unavailable"))
        self.assertIn(account.message(AGENT, message_id)["delivery_status"], ("accepted", "sending"))
        server.stop()
        server.settings["smtp.password"] = self.relay.info["password"]
        server.restart()
        self.wait_for_delivery_status(account, message_id, "sent")
        attempts = self.store.rows("SELECT attempt FROM submissions")
        self.assertEqual(attempts, [["1"]], "an unusable relay costs no attempt")

    def test_a_certificate_of_another_authority_is_not_trusted(self):
        server, account = self.start_with_relay(smtp__ca_file="/etc/ssl/certs/ca-certificates.crt")
        server.expect_errors("dispatcher.provider_unavailable")
        message_id = account.send(AGENT, draft("Not to strangers"))["message_id"]
        alarm = eventually("the log says why", lambda: server.log_events("dispatcher.provider_unavailable"))
        self.assertEqual(alarm[0]["phase"], "tls")
        self.assertEqual(self.arrived(message_id), [])

    # Killed between the approval and the end of the hand-over.

    def kill_at(self, fault):
        """An approved message whose hand-over met its end at `fault`; the server runs again."""
        server, account = self.start_with_relay(dispatcher__lease_seconds=1)
        account.hold_everything(AGENT)
        message_id = account.send(AGENT, draft("Once"))["message_id"]
        server.stop()
        server.restart(fault=fault)
        self.approve_and_die(server, account, message_id)
        return account, message_id

    def assert_sent_once(self, account, message_id):
        self.wait_for_delivery_status(account, message_id, "sent")
        self.assert_copies(account, message_id, 1)

    def assert_shown_as_unknown(self, account, message_id, copies):
        message = self.wait_for_delivery_status(account, message_id, "unknown")
        self.assertEqual(message["review_status"], "sent")
        self.assert_copies(account, message_id, copies)
        self.assertEqual(account.message(AGENT, message_id)["delivery_status"], "unknown", "nobody guesses")

    def assert_copies(self, account, message_id, copies):
        # A later mail has gone all the way: whatever would have been sent again is there by now.
        account.create_agent("later@agents.localhost")
        later = account.send("later@agents.localhost", draft("Later"))["message_id"]
        eventually("a later mail arrives", lambda: self.arrived(later))
        self.wait_until_settled()
        self.assertEqual(len(self.arrived(message_id)), copies)

    def test_killed_when_claimed_it_is_sent_once(self):
        self.assert_sent_once(*self.kill_at("dispatcher.claimed=kill"))

    def test_killed_before_the_fence_it_is_sent_once(self):
        self.assert_sent_once(*self.kill_at("dispatcher.before_fence=kill"))

    def test_killed_behind_the_fence_it_is_unknown_and_not_sent_again(self):
        self.assert_shown_as_unknown(*self.kill_at("dispatcher.fenced=kill"), copies=0)

    def test_killed_before_the_final_dot_it_is_unknown_and_not_sent_again(self):
        self.assert_shown_as_unknown(*self.kill_at("smtp.fence_passed=kill"), copies=0)

    def test_killed_when_the_relay_has_it_it_is_unknown_and_not_sent_again(self):
        self.assert_shown_as_unknown(*self.kill_at("dispatcher.handed_over=kill"), copies=1)

    def test_killed_when_the_answer_is_recorded_it_is_sent_once(self):
        self.assert_sent_once(*self.kill_at("dispatcher.recorded=kill"))


if __name__ == "__main__":
    unittest.main()

"""Through Resend, played by a stand-in that keeps idempotency keys as documented: whatever gets lost, one mail."""

import base64
import unittest

from support.client import curl
from support.providers import OverHttp, ResendStandIn
from support.scenario import on_both_stores
from support.waiting import eventually

ATTACHMENT = bytes(range(256)) * 40


@on_both_stores
class Resend(OverHttp):
    stand_in = ResendStandIn

    def provider_settings(self):
        return {"outbound__provider": "resend", "resend__endpoint": self.provider.url,
                "resend__api_key": self.provider.api_key}

    def assert_one_mail(self, message_id):
        self.wait(message_id, "sent")
        self.a_later_mail_arrives()
        self.assertEqual(len(self.copies(message_id)), 1)
        self.assertEqual(self.store.rows("SELECT count(*) FROM submissions WHERE state = 'unknown'"), [["0"]])

    def test_a_reader_sees_what_was_decided_on(self):
        self.start()
        message_id = self.send("Grüße", to=["One <one@example.org>"], cc=["two@example.org"],
                               bcc=["blind@example.org"], text="Zeile\nEnde ☃\n", html="<p>Ende</p>",
                               attachments=[{"filename": "data.bin", "content_type": "application/octet-stream",
                                             "data": base64.b64encode(ATTACHMENT).decode()}])
        self.wait(message_id, "sent")
        [mail] = self.provider.accepted
        email = mail["email"]
        self.assertEqual((email["to"], email["cc"], email["bcc"]),
                         (['"One" <one@example.org>'], ["two@example.org"], ["blind@example.org"]))
        self.assertEqual((email["subject"], email["text"], email["html"]),
                         ("Grüße", "Zeile\nEnde ☃\n", "<p>Ende</p>"))
        [attachment] = email["attachments"]
        self.assertEqual(attachment["filename"], "data.bin")
        self.assertEqual(base64.b64decode(attachment["content"]), ATTACHMENT)
        self.assertEqual(email["headers"]["X-E2A-Message-ID"], message_id)
        self.assertEqual(mail["key"], f"countersign-{message_id}")
        [[provider_id]] = self.store.rows("SELECT provider_message_id FROM submissions")
        self.assertEqual(provider_id, mail["message_id"])
        self.assertEqual(curl(self.server.url + "/v1/info").json["outbound_transport"], "resend")

    def test_what_resend_rejects_has_failed_and_says_why(self):
        self.start()
        self.provider.set_faults({"kind": "refuse", "status": 422, "name": "validation_error",
                                  "message": "Invalid `to` field."})
        message = self.wait(self.send("Rejected"), "failed")
        self.assertIn("validation_error: Invalid `to` field.", message["delivery_detail"])
        self.a_later_mail_arrives()

    def test_throttling_costs_no_attempt(self):
        self.start()
        self.server.expect_errors("dispatcher.provider_unavailable")
        self.provider.set_faults({"kind": "refuse", "status": 429, "name": "rate_limit_exceeded", "times": 2})
        message_id = self.send("Patient")
        self.wait(message_id, "sent")
        self.assertEqual(self.attempts(), [["1", "accepted"]])

    def test_a_lost_reply_is_repeated_with_the_same_key(self):
        self.start()
        self.provider.set_faults({"kind": "reset_after"})
        self.assert_one_mail(self.send("Lost"))

    def test_a_request_that_was_never_worked_at_is_repeated(self):
        self.start()
        self.provider.set_faults({"kind": "reset_before"})
        self.assert_one_mail(self.send("Lost"))

    def test_half_an_answer_is_repeated(self):
        self.start()
        self.provider.set_faults({"kind": "half_answer"})
        self.assert_one_mail(self.send("Lost"))

    def test_a_servers_error_is_repeated(self):
        self.start()
        self.provider.set_faults({"kind": "refuse", "status": 500, "name": "application_error"})
        self.assert_one_mail(self.send("Lost"))

    def test_a_request_that_is_still_being_worked_at_is_waited_for(self):
        self.start(resend__answer_timeout_ms=500)
        self.provider.set_faults({"kind": "delay", "until": lambda: self.provider.counts.get("409")})
        message_id = self.send("Slow")
        eventually("a repeat comes too early", lambda: self.provider.counts.get("409"))
        self.restart_without("resend.answer_timeout_ms")
        self.assert_one_mail(message_id)

    def test_a_wrong_key_is_one_alarm_and_fails_nothing(self):
        self.start(resend__api_key="re_wrong")

        def put_right():
            self.server.stop()
            self.server.settings["resend.api_key"] = self.provider.api_key
            self.server.restart()
        self.assert_one_alarm_and_then_all_is_delivered(put_right)

    def test_killed_behind_the_fence_it_is_sent_once(self):
        self.assert_one_mail(self.kill_at("http.fence_passed=kill"))

    def test_killed_when_resend_has_answered_it_is_sent_once(self):
        self.assert_one_mail(self.kill_at("http.answered=kill"))


if __name__ == "__main__":
    unittest.main()

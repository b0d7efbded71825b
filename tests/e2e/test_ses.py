"""Through Amazon SES, played by a stand-in that checks every signature: once, or shown as unknown."""

import threading
import unittest

from support.client import curl
from support.providers import OverHttp, SesStandIn
from support.scenario import on_both_stores
from support.waiting import eventually


@on_both_stores
class Ses(OverHttp):
    stand_in = SesStandIn

    def provider_settings(self):
        info = self.provider.info
        return {"outbound__provider": "ses", "ses__region": info["region"], "ses__endpoint": info["url"],
                "ses__access_key_id": info["access_key_id"],
                "ses__secret_access_key": info["secret_access_key"],
                "ses__configuration_set": info["configuration_set"]}

    def assert_unknown_for_good(self, message_id, copies):
        self.wait(message_id, "unknown")
        self.a_later_mail_arrives()
        self.assertEqual(len(self.copies(message_id)), copies)
        self.assertEqual(self.wait(message_id, "unknown")["delivery_status"], "unknown")

    def test_the_stored_bytes_arrive_with_our_ids_and_every_recipient(self):
        self.start()
        message_id = self.send("Grüße", to=["One <one@example.org>"], cc=["two@example.org"],
                               bcc=["blind@example.org"], text="Zeile\n.\nEnde ☃\n")
        self.wait(message_id, "sent")
        [mail] = self.provider.accepted
        self.assertEqual(mail["raw"], self.stored_raw(message_id))
        self.assertIn(f"X-E2A-Message-ID: {message_id}\r\n".encode(), mail["raw"])
        self.assertEqual(sorted(mail["recipients"]),
                         ["blind@example.org", "one@example.org", "two@example.org"])
        self.assertNotIn(b"blind@example.org", mail["raw"])
        [[submission, provider_id]] = self.store.rows("SELECT id, provider_message_id FROM submissions")
        self.assertEqual(mail["tags"], {"countersign-message": message_id, "countersign-submission": submission})
        self.assertEqual(mail["configuration_set"], "events")
        self.assertEqual(provider_id, mail["message_id"])
        self.assertEqual(curl(self.server.url + "/v1/info").json["outbound_transport"], "ses")

    def test_what_ses_rejects_has_failed_and_says_why(self):
        self.start()
        self.provider.set_faults({"kind": "refuse", "status": 400, "name": "MessageRejected",
                                  "message": "Email address is not verified."})
        message_id = self.send("Rejected")
        message = self.wait(message_id, "failed")
        self.assertIn("MessageRejected: Email address is not verified.", message["delivery_detail"])
        self.a_later_mail_arrives()

    def test_throttling_costs_no_attempt(self):
        self.start()
        self.server.expect_errors("dispatcher.provider_unavailable")
        self.provider.set_faults({"kind": "refuse", "status": 429, "name": "TooManyRequestsException",
                                  "times": 2},
                                 {"kind": "refuse", "status": 400, "name": "ThrottlingException"})
        message_id = self.send("Patient")
        self.wait(message_id, "sent")
        self.assertEqual(self.attempts(), [["1", "accepted"]])
        self.assertEqual(len(self.copies(message_id)), 1)

    def test_a_lost_reply_is_unknown_and_makes_no_second_copy(self):
        self.start()
        self.provider.set_faults({"kind": "reset_after"})
        self.assert_unknown_for_good(self.send("Lost"), copies=1)

    def test_a_request_that_ses_never_worked_at_is_unknown_too(self):
        self.start()
        self.provider.set_faults({"kind": "reset_before"})
        self.assert_unknown_for_good(self.send("Lost"), copies=0)

    def test_half_an_answer_and_one_that_is_none_are_unknown(self):
        for kind in ("half_answer", "unreadable_answer"):
            with self.subTest(kind):
                if not hasattr(self, "server"):
                    self.start()
                self.provider.set_faults({"kind": kind})
                self.assert_unknown_for_good(self.send("Lost"), copies=1)

    def test_an_answer_after_the_deadline_is_unknown(self):
        self.start(ses__answer_timeout_ms=500)
        late = threading.Event()
        self.provider.set_faults({"kind": "delay", "until": late.is_set})
        message_id = self.send("Slow")
        self.wait(message_id, "unknown")
        late.set()
        eventually("SES has it", lambda: self.copies(message_id))
        self.restart_without("ses.answer_timeout_ms")
        self.assert_unknown_for_good(message_id, copies=1)

    def test_an_outage_makes_nothing_unknown_but_what_it_met(self):
        self.start(dispatcher__batch=1)
        self.server.expect_errors("dispatcher.provider_unavailable")
        self.provider.set_faults({"kind": "refuse", "status": 503, "times": 0, "everything": True})
        met = self.send("Met by the outage")
        self.wait(met, "unknown")
        waiting = [self.send(f"Waiting {number}") for number in range(5)]
        eventually("the log says that SES cannot be used",
                   lambda: self.server.log_events("dispatcher.provider_unavailable"))
        self.provider.set_faults()
        for message_id in waiting:
            self.wait(message_id, "sent")
        self.assertEqual(self.copies(met), [])
        unknown = self.store.rows("SELECT count(*) FROM submissions WHERE state = 'unknown'")
        self.assertEqual(unknown, [["1"]])

    def test_wrong_credentials_are_one_alarm_and_fail_nothing(self):
        self.start(ses__secret_access_key="wrong")

        def put_right():
            self.server.stop()
            self.server.settings["ses.secret_access_key"] = self.provider.secret_access_key
            self.server.restart()
        self.assert_one_alarm_and_then_all_is_delivered(put_right)

    def test_credentials_of_the_machines_role_are_renewed_when_they_are_turned_down(self):
        first = self.provider.issue_role_credentials(valid_seconds=3600)
        self.start(ses__access_key_id="", ses__secret_access_key="", ses__metadata_url=self.provider.url)
        self.server.expect_errors("dispatcher.provider_unavailable")
        self.wait(self.send("With a role"), "sent")
        self.provider.revoke(first)
        self.provider.issue_role_credentials(valid_seconds=3600)
        message_id = self.send("With new credentials")
        self.wait(message_id, "sent")
        self.assertEqual(len(self.copies(message_id)), 1)
        self.assertEqual({attempt for attempt, _ in self.attempts()}, {"1"})

    def test_while_nobody_listens_no_attempt_is_lost(self):
        port = int(self.provider.url.rpartition(":")[2])
        self.start()
        self.server.expect_errors("dispatcher.provider_unavailable")
        self.provider.stop()
        message_id = self.send("Patient")
        eventually("the log says that SES cannot be used",
                   lambda: self.server.log_events("dispatcher.provider_unavailable"))
        old = self.provider
        self.provider = SesStandIn(port=port)
        self.provider.access_key_id, self.provider.secret_access_key = old.access_key_id, old.secret_access_key
        self.enterContext(self.provider)
        self.wait(message_id, "sent")
        self.assertEqual(self.attempts(), [["1", "accepted"]])

    def test_killed_behind_the_fence_it_is_unknown_and_not_sent_again(self):
        self.assert_unknown_for_good(self.kill_at("http.fence_passed=kill"), copies=0)

    def test_killed_when_ses_has_answered_it_is_unknown_and_not_sent_again(self):
        self.assert_unknown_for_good(self.kill_at("http.answered=kill"), copies=1)


if __name__ == "__main__":
    unittest.main()

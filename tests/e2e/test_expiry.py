"""Holds whose time is up, decided by the running server as the agent's policy says."""

import time
import unittest

from support.client import draft, path_of
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually


@on_both_stores
class Expiry:
    def hold(self, server, *, on_expiry, to="someone@example.org", ttl_seconds=1):
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT, ttl_seconds=ttl_seconds, on_expiry=on_expiry)
        return account, account.send(AGENT, draft("Nobody looked", to))["message_id"]

    def wait_for_review_status(self, account, message_id, status):
        return eventually(f"the hold becomes {status}",
                          lambda: account.review(message_id)["review_status"] == status)

    def assert_no_longer_pending(self, account, message_id):
        for decision in ("approve", "reject"):
            late = account.client.request("POST", path_of("reviews", message_id, decision), {})
            self.assertEqual((late.status, late.code), (409, "message_not_pending"))

    def test_on_expiry_approve_sends_it_once(self):
        server = self.start_server()
        account, message_id = self.hold(server, on_expiry="approve")
        self.wait_for_review_status(account, message_id, "review_expired_approved")
        self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), {message_id: 1})
        self.assert_no_longer_pending(account, message_id)

    def test_on_expiry_reject_sends_nothing(self):
        server = self.start_server()
        account, message_id = self.hold(server, on_expiry="reject")
        self.wait_for_review_status(account, message_id, "review_expired_rejected")
        self.assert_no_longer_pending(account, message_id)
        self.assertEqual(account.reviews(), [])
        self.assertEqual((self.count("submissions"), server.maildir.mails()), (0, []))

    def test_a_mail_to_oneself_that_expires_into_approval_is_in_the_inbox_once(self):
        server = self.start_server()
        account, message_id = self.hold(server, on_expiry="approve", to=AGENT)
        self.wait_for_review_status(account, message_id, "review_expired_approved")
        self.assertEqual([mail["subject"] for mail in account.messages(AGENT)], ["Nobody looked"])
        self.assertEqual(server.maildir.mails(), [])

    def test_a_hold_that_ran_out_while_the_server_was_down_is_decided_at_its_start(self):
        server = self.start_server(expiry__poll_interval_ms=3_600_000)
        account, message_id = self.hold(server, on_expiry="approve")
        server.kill9()
        expires_at = int(self.store.rows("SELECT approval_expires_at_us FROM messages")[0][0])
        eventually("the hold has run out", lambda: time.time_ns() // 1000 > expires_at)
        server.restart()
        self.wait_for_review_status(account, message_id, "review_expired_approved")
        self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), {message_id: 1})

    def test_killed_in_the_middle_of_the_expiry_it_is_still_decided_once(self):
        server = self.start_server(expiry__poll_interval_ms=3_600_000, dispatcher__lease_seconds=1)
        account, message_id = self.hold(server, on_expiry="approve")
        server.stop()
        server.settings["expiry.poll_interval_ms"] = 50
        server.start(fault="approve.resolve=kill")
        server.wait_until_killed()
        server.restart(fault="dispatcher.handed_over=kill")
        server.wait_until_killed()
        server.restart()
        self.wait_for_review_status(account, message_id, "review_expired_approved")
        self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), {message_id: 1})


if __name__ == "__main__":
    unittest.main()

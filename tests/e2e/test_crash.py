"""SIGKILL between the approval and the hand-over: after a restart the mail arrives, and once."""

import unittest

from support.client import GONE, draft, path_of
from support.scenario import AGENT, on_both_stores, on_sqlite
from support.waiting import eventually


@on_both_stores
class Crash:
    def prepare(self):
        """A server that has stopped in good order, and a held message in its store."""
        self.server = self.start_server(dispatcher__lease_seconds=1)
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)
        self.account.hold_everything(AGENT)
        self.message_id = self.account.send(AGENT, draft("As written"))["message_id"]
        self.server.stop()

    def approve(self):
        return self.account.client.request("POST", path_of("reviews", self.message_id, "approve"),
                                           {"subject": "As approved"}, key=f"approve {self.message_id}")

    def assert_sent_once(self):
        self.wait_for_delivery_status(self.account, self.message_id, "sent")
        self.wait_until_settled()
        mails = self.server.maildir.mails()
        self.assertEqual([(mail.message_id, mail.subject) for mail in mails],
                         [(self.message_id, "As approved")])
        accepted = self.store.rows("SELECT message_id FROM submissions WHERE state = 'accepted'")
        self.assertEqual(accepted, [[self.message_id]])

    def killed_after_the_approval(self, fault):
        self.prepare()
        self.server.restart(fault=fault)
        try:
            answer = self.approve()
        except GONE:  # the hand-over may overtake the answer
            answer = None
        self.server.wait_until_killed()
        self.server.restart()
        self.assert_sent_once()
        again = self.approve()
        self.assertEqual(again.status, 202, "the key still replays")
        if answer is not None:
            self.assertEqual((again.status, again.body), (answer.status, answer.body))

    def test_killed_when_the_message_is_claimed(self):
        self.killed_after_the_approval("dispatcher.claimed=kill")

    def test_killed_before_the_fence(self):
        self.killed_after_the_approval("dispatcher.before_fence=kill")

    def test_killed_behind_the_fence(self):
        self.killed_after_the_approval("dispatcher.fenced=kill")

    def test_killed_when_the_mail_is_there_and_its_answer_is_not_recorded(self):
        self.killed_after_the_approval("dispatcher.handed_over=kill")

    def test_killed_when_the_answer_is_recorded(self):
        self.killed_after_the_approval("dispatcher.recorded=kill")

    def killed_within_the_approval(self, fault):
        self.prepare()
        self.server.restart(fault=fault)
        with self.assertRaises(GONE):
            self.approve()
        self.server.wait_until_killed()
        self.server.restart()
        self.assertEqual(self.account.review(self.message_id)["review_status"], "pending_review")
        self.assertEqual(self.count("submissions"), 0)
        self.assertEqual(self.approve().status, 202)
        self.assert_sent_once()

    def test_killed_when_the_decision_is_written(self):
        self.killed_within_the_approval("approve.resolve=kill")

    def test_killed_when_the_send_is_queued(self):
        self.killed_within_the_approval("outbox.enqueue=kill")

    def test_killed_after_each_commit_in_turn(self):
        """One run for each commit from the start of the server to its stop, until one run is not killed."""
        # No polling, and no lease to renew: hardly anything but the scenario itself commits.
        quiet = {"dispatcher.poll_interval_ms": 3_600_000, "expiry.poll_interval_ms": 3_600_000,
                 "dispatcher.lease_seconds": 3600}
        self.prepare()
        usual = {key: self.server.settings[key] for key in quiet}
        cut_approvals = passage = 0
        untouched = False
        while not untouched:
            passage += 1
            self.server.settings.update(quiet)
            self.server.restart(fault=f"store.after_commit@{passage}=kill")
            try:
                self.assertEqual(self.approve().status, 202)
                eventually("the hand-over is recorded, or the server dies",
                           lambda: not self.server.is_running or self.open_submissions() == [])
            except GONE:
                cut_approvals += 1
            self.server.terminate()
            untouched = self.server.wait_until_ended() == 0

            self.end_leases_of_the_dead("UPDATE submissions SET lease_until_us = 1 WHERE lease_until_us IS NOT NULL")
            self.server.settings.update(usual)
            self.server.restart()
            self.assertEqual(self.approve().status, 202, "first or replayed")
            self.wait_for_delivery_status(self.account, self.message_id, "sent")
            self.assertEqual(self.server.maildir.copies()[self.message_id], 1)
            accepted = self.store.rows("SELECT id FROM submissions WHERE state = 'accepted' AND "
                                       f"message_id = '{self.message_id}'")
            self.assertEqual(len(accepted), 1)
            self.message_id = self.account.send(AGENT, draft("The next one"))["message_id"]
            self.server.stop()
        self.assertGreater(cut_approvals, 0, "one of the commits was the approval's")
        self.assertGreater(passage, 4, "the approval, the claim, the fence and the record commit")
        print(f"{passage} runs", end=" ... ", flush=True)


@on_sqlite
class LookFromOutside:
    def test_behind_a_lost_commit_answer_neither_a_look_from_outside_nor_a_crash_loses_anything(self):
        """The store has opened its file anew; whoever else opens and closes it must still find it in use, or it
        would take the log away under the server."""
        server = self.add_server()
        server.start(fault="approve.resolve>store.after_commit=throw")
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        first = account.send(AGENT, draft("First"))["message_id"]
        account.approve(first)
        server.check()
        second = account.send(AGENT, draft("Second"))["message_id"]
        account.approve(second)
        server.kill9()
        server.restart()
        for message_id in (first, second):
            self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), {first: 1, second: 1})


if __name__ == "__main__":
    unittest.main()

"""SIGKILL at every step of receiving: what was told 250 is in the mailbox of each recipient, once; what was not may
be repeated."""

import itertools
import smtplib
import unittest

from support.scenario import AGENT, on_both_stores
from support.sender import bounce, deliver, mail
from support.waiting import eventually
from test_receive import Inbox

GONE = (OSError, smtplib.SMTPException)
STEPS = ("inbound.arrival", "inbound.take", "inbound.take>store.before_commit", "inbound.take>store.commit",
         "inbound.take>store.after_commit", "inbound.taken", "inbound.claim", "inbound.claim>store.commit",
         "inbound.claim>store.after_commit", "inbound.claimed", "inbound.read", "inbound.publish",
         "mailbox.inbound", "mailbox.inbound@2", "hold.received_event", "inbound.publish>store.commit",
         "inbound.publish>store.after_commit", "inbound.published")
SECOND = "bob@agents.localhost"


@on_both_stores
class ReceiveCrash(Inbox):
    def deliver_as_servers_do(self, raw):
        """Repeats a delivery until it is told 250, over the death of the other side; how often it was tried."""
        attempts = itertools.count(1)

        def attempt():
            number = next(attempts)
            try:
                deliver(self.port, raw, [AGENT, SECOND])
                return number
            except GONE:
                if self.server.wait_briefly_for_death():
                    self.revive()
                return None
        return eventually("it is told 250", attempt)

    def test_killed_at_every_step_each_mail_arrives_once(self):
        self.start(inbound__lease_seconds=3600)
        self.account.create_agent(SECOND)
        repeated = 0
        for step in STEPS:
            with self.subTest(step):
                self.server.stop()
                self.server.restart(fault=f"{step}=kill")
                if self.deliver_as_servers_do(mail(f"Killed at {step}", AGENT)) > 1:
                    repeated += 1
                else:  # it dies behind the 250
                    self.revive()
                self.wait_for(f"Killed at {step}")
        eventually("nothing is left in the spool", lambda: self.count("arrival_contents") == 0)
        for agent in (AGENT, SECOND):
            subjects = sorted(item["subject"] for item in self.account.messages(agent, read_status="all"))
            self.assertEqual(subjects, sorted(f"Killed at {step}" for step in STEPS), agent)
        self.assertGreater(repeated, 3, "some deaths were before the 250")

    def test_killed_when_a_report_is_applied_it_counts_once(self):
        self.start(inbound__lease_seconds=3600)
        sent, return_path = self.send_to_nobody()
        self.server.stop()
        self.server.restart(fault="inbound.report_taken=kill")
        try:
            deliver(self.port, bounce(return_path), [return_path], sender="")
        except GONE:  # the processor may overtake the 250
            pass
        self.revive()
        self.wait_for_delivery_status(self.account, sent, "bounced")
        eventually("nothing is left in the spool", lambda: self.count("arrival_contents") == 0)
        self.assertEqual(len(self.store.rows("SELECT id FROM events WHERE type = 'email.bounced'")), 1)


if __name__ == "__main__":
    unittest.main()

"""The relay's password is changed while a queue waits."""

import time
import unittest

from support.peers import SmtpSink, plain_relay
from support.queue import approve_many
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

MESSAGES = 1000
ALARM = "dispatcher.provider_unavailable"


@on_both_stores
class Rotation:
    def test_a_changed_password_fails_none_of_a_thousand_messages_and_raises_one_alarm(self):
        sink = self.enterContext(SmtpSink(credentials=("agent", "the old one")))
        password = self.directory / "relay-password"
        password.write_text("the old one\n")
        server = self.start_server(**plain_relay(sink.port), smtp__username="agent", smtp__password_file=password)
        server.expect_errors(ALARM)
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)

        [before] = approve_many(account, 1)
        self.wait_for_delivery_status(account, before, "sent")
        sink.set_password("the new one")
        sink.cut_all()
        ids = approve_many(account, MESSAGES)
        eventually("the relay is asked again", lambda: sink.failed_logins >= 2)
        self.assertEqual(self.states(), [["accepted", "1", "1"], ["queued", "1", str(MESSAGES)]],
                         "they wait, and no attempt is lost")
        self.assertEqual(sink.taken(), 1)

        password.write_text("the new one\n")
        put_right = time.monotonic()
        self.wait_until_settled(deadline_seconds=600)  # a thousand, on a machine that does much else
        took = time.monotonic() - put_right
        self.assertEqual(self.states(), [["accepted", "1", str(MESSAGES + 1)]])
        self.assertEqual({sink.copies()[(message, "someone@example.org")] for message in [before, *ids]}, {1})
        self.assertEqual(sink.taken(), MESSAGES + 1)
        self.assertEqual(len(server.log_events(ALARM)), 1, "one alarm")
        statuses = self.store.rows("SELECT DISTINCT delivery_status FROM messages WHERE direction = 'outbound'")
        self.assertEqual(statuses, [["sent"]])
        print(f"{MESSAGES} messages, {sink.failed_logins} logins refused, drained within {took:.1f} s",
              end=" ... ", flush=True)

    def states(self):
        """State, attempt and number of the hand-overs; a claim that is about to be given back is in the queue."""
        return self.store.rows("SELECT CASE WHEN state = 'claimed' THEN 'queued' ELSE state END, attempt, count(*) "
                               "FROM submissions GROUP BY 1, 2 ORDER BY 1, 2")


if __name__ == "__main__":
    unittest.main()

"""A worker is paused (SIGSTOP) past its lease at every point of a hand-over, and then goes on."""

import secrets
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "torture"))

from boundaries import SMTP, boundaries  # noqa: E402
from support.client import draft  # noqa: E402
from support.peers import SmtpSink, plain_relay  # noqa: E402
from support.scenario import AGENT, on_postgres, on_sqlite  # noqa: E402
from support.waiting import eventually  # noqa: E402

RECIPIENT = "someone@example.org"
LEASE_SECONDS = 1
# Points at which the worker owns the hand-over; at the others nobody else can want it.
POINTS = [boundary for boundary in boundaries()
          if SMTP in boundary.transports and not boundary.first
          and boundary.fault.startswith(("dispatcher.", "smtp.", "outbox.claim", "outbox.fence", "outbox.record"))]


class Pause:
    def add_node(self, name, sink, **settings):
        directory = self.directory / name
        directory.mkdir()
        return self.add_server(name=name, directory=directory, dispatcher__lease_seconds=LEASE_SECONDS, **plain_relay(sink.port),
                               **settings)

    def prepare(self, node):
        self.account = self.open_account(node.start())
        self.account.create_agent(AGENT)
        self.account.hold_everything(AGENT)
        node.stop()

    def pause_at(self, node, boundary):
        """The message whose hand-over `node` has begun, and stopped in; and its approval, which is answered when
        the node goes on, if it was not before."""
        node.restart()
        message_id = self.account.send(AGENT, draft("Once", RECIPIENT))["message_id"]
        node.stop()
        node.restart(fault=boundary.fault + "=stop")
        approval = threading.Thread(target=self.account.approve, args=(message_id,))
        approval.start()
        self.addCleanup(approval.join)
        eventually("the worker is stopped", lambda: node.is_stopped)
        return message_id, approval

    def resume(self, node, approval):
        node.resume()
        approval.join()

    def end(self, *nodes):
        """What a fault of the test itself has left is not in the way of the next one."""
        for node in nodes:
            if node.is_running:
                node.kill9()

    def status_of(self, account, message_id):
        return account.message(AGENT, message_id)["delivery_status"]

    def taken_up(self, account, message_id, since):
        """What another node, which was started at `since`, has made of the message: "sent", "unknown", or "locked"
        when the paused transaction still holds the row, so that nobody else can want it."""
        status = self.status_of(account, message_id)
        if status in ("sent", "unknown"):
            return status
        paused = self.store.rows("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                                 f"AND state <> 'idle' AND xact_start < '{since}'")
        free = self.store.rows(f"SELECT id FROM submissions WHERE message_id = '{message_id}' FOR UPDATE SKIP LOCKED")
        return "locked" if paused and not free else ""


@on_postgres
class PauseBesideAnother(Pause):
    def test_another_node_takes_over_and_the_late_one_never_makes_two_copies(self):
        sink = self.enterContext(SmtpSink())
        secret = secrets.token_hex(32)
        paused = self.add_node("paused", sink, signing__secret=secret)
        other = self.add_node("other", sink, signing__secret=secret)
        self.prepare(paused)
        outcomes = {}
        for boundary in POINTS:
            with self.subTest(boundary.name):
                message_id, approval = self.pause_at(paused, boundary)
                since = self.store.rows("SELECT now()")[0][0]
                other.restart() if other.log_text() else other.start()
                account = self.account.at(other.url)
                taken_up_as = eventually("the other node has had its chance",
                                         lambda: self.taken_up(account, message_id, since))
                self.resume(paused, approval)
                paused.stop()  # what was under way has ended
                self.wait_until_settled()
                self.assertEqual(sink.copies_of(message_id), {RECIPIENT: 1})
                self.assertEqual(self.status_of(account, message_id), "sent", "a late answer is evidence")
                if taken_up_as == "unknown":
                    self.assertTrue(boundary.may_be_unknown(SMTP), "unknown is only who has passed the fence")
                outcomes[boundary.name] = taken_up_as
                other.stop()
            self.end(paused, other)
        self.assertEqual(len(outcomes), len(POINTS))
        counts = {outcome: list(outcomes.values()).count(outcome) for outcome in ("sent", "unknown", "locked")}
        self.assertGreaterEqual(counts["sent"], 8)
        self.assertGreaterEqual(counts["unknown"], 4)
        print(f"{len(outcomes)} points, when the late one went on: {counts}",
              end=" ... ", flush=True)


@on_sqlite
class PauseAlone(Pause):
    def test_a_worker_that_finds_its_own_lease_over_never_makes_two_copies(self):
        sink = self.enterContext(SmtpSink())
        node = self.add_node("node", sink)
        self.prepare(node)
        for boundary in POINTS:
            with self.subTest(boundary.name):
                message_id, approval = self.pause_at(node, boundary)
                # By the clock, for who is stopped gives itself no more time. Its file is not to be asked: another
                # of its threads may have stopped with a lock on it that is held for an instant otherwise.
                lease_ends = time.time() + LEASE_SECONDS
                eventually("its lease is over", lambda: time.time() > lease_ends)
                self.resume(node, approval)
                self.wait_for_delivery_status(self.account, message_id, "sent")
                node.stop()
                self.assertEqual(self.open_submissions(), [])
                self.assertEqual(sink.copies_of(message_id), {RECIPIENT: 1})
            self.end(node)


if __name__ == "__main__":
    unittest.main()

"""The processes of a real Postfix that talk to us are killed while approved messages drain into it."""

import collections
import os
import random
import signal
import stat
import threading
import time
import unittest
from pathlib import Path

from support.maildir import Maildir
from support.queue import approve_many
from support.relay import PostfixRelay, relay_settings
from support.scenario import AGENT, on_sqlite
from support.waiting import eventually

MESSAGES = 2000 if os.environ.get("COUNTERSIGN_E2E_LONG") == "1" else 200
_MAILS = (1, 8)  # arrive between two kills, so that a slow machine gets on as well
_PAUSE_SECONDS = (0.02, 0.3)  # behind the last of them
_STANDSTILL_SECONDS = 30  # then one is killed all the same


class Killer:
    """Kills one smtpd of that Postfix after the other, at random."""

    def __init__(self, relay, seed):
        self._maildir = Path(relay.info["maildir"], "new")
        self._master = int((Path(relay.folder) / "queue/pid/master.pid").read_text())
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while self._has_more_arrived() and not self._stop.wait(self._chance.uniform(*_PAUSE_SECONDS)):
            victims = self._servers()
            if victims:
                try:
                    os.kill(self._chance.choice(victims), signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    continue

    def _has_more_arrived(self):
        """Waits for it; False when there is an end to it."""
        wanted = self._arrived() + self._chance.randint(*_MAILS)
        until = time.monotonic() + _STANDSTILL_SECONDS
        while self._arrived() < wanted and time.monotonic() < until:
            if self._stop.wait(0.01):
                return False
        return True

    def _arrived(self):
        return len(list(self._maildir.glob("*")))

    def _servers(self):
        found = []
        for process in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = process.read_text()
            except OSError:
                continue
            name, _, rest = text.partition("(")[2].rpartition(")")
            if name == "smtpd" and int(rest.split()[1]) == self._master:
                found.append(int(process.parent.name))
        return found


def files_in_queue(relay):
    """Messages that Postfix has taken and not delivered: its complete queue files are executable."""
    queues = [Path(relay.folder) / "queue" / name for name in ("maildrop", "incoming", "active", "deferred")]
    files = []
    for path in (path for queue in queues for path in queue.rglob("*")):
        try:
            mode = path.stat().st_mode
        except OSError:  # on its way to the next queue
            continue
        if stat.S_ISREG(mode) and mode & stat.S_IXUSR:
            files.append(path)
    return files


@on_sqlite
class RelayKilled:
    def test_every_mail_arrives_once_or_is_unknown_and_was_in_the_window(self):
        relay = self.enterContext(PostfixRelay())
        server = self.start_server(**relay_settings(relay))
        server.expect_errors("dispatcher.provider_unavailable")
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        seed = int(os.environ.get("COUNTERSIGN_SEED", "1"))
        with Killer(relay, seed) as killer:
            ids = approve_many(account, MESSAGES)
            eventually("most have been handed over", lambda: len(self.open_submissions()) <= MESSAGES // 20,
                       deadline_seconds=1500)
        # Whoever was deferred three times would wait for longer than a test does.
        eventually("the queue drains", lambda: self.open_submissions() == [], deadline_seconds=1500)
        mailbox = Maildir(relay.info["maildir"])
        eventually("Postfix has delivered what it has taken", lambda: files_in_queue(relay) == [])
        self.judge(ids, mailbox, killer)

    def judge(self, ids, mailbox, killer):
        rows = self.store.rows("SELECT m.id, m.delivery_status, s.state, coalesce(s.fenced_at_us, 0), "
                               "coalesce(s.reply_phase, '') FROM messages m JOIN submissions s ON s.message_id = m.id "
                               "WHERE m.direction = 'outbound' AND s.attempt = (SELECT max(attempt) FROM "
                               "submissions l WHERE l.message_id = m.id)")
        self.assertEqual(sorted({row[0] for row in rows}), sorted(ids))
        copies = mailbox.copies()
        outcomes = collections.Counter()
        for message_id, status, state, fenced_at, phase in rows:
            count = copies[message_id]
            outcomes[(status, count)] += 1
            if status == "sent":
                self.assertEqual((state, count), ("accepted", 1), message_id)
            else:
                self.assertEqual((status, state, phase), ("unknown", "unknown", "final_dot"), message_id)
                self.assertGreater(int(fenced_at), 0, "it was in the window")
                self.assertIn(count, (0, 1))
        self.assertGreater(killer.kills, 5)
        self.assertGreater(outcomes[("sent", 1)], MESSAGES // 2)
        print(f"{MESSAGES} messages, {killer.kills} kills: {outcomes[('sent', 1)]} sent once, unknown "
              f"{outcomes[('unknown', 1)]} that arrived and {outcomes[('unknown', 0)]} that did not",
              end=" ... ", flush=True)


if __name__ == "__main__":
    unittest.main()

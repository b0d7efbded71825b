"""Receiving while the store is away or full: 451, nothing half stored; what is sent again arrives once."""

import contextlib
import smtplib
import subprocess
import unittest

from support.postgres import PrivatePostgres
from support.real_sender import CLEAR, SECRET, RealSender, mail_of
from support.relay import PostfixRelay
from support.scenario import AGENT, on_postgres, on_sqlite
from support.sender import HOST, SENDER, deliver, mail
from support.stores import SqliteStore
from support.waiting import eventually
from test_receive import Inbox


class HalfSent:
    """A delivery that has come as far as the middle of its content."""

    def __init__(self, port, raw, recipient):
        self._session = smtplib.SMTP(HOST, port, local_hostname="sender.example", timeout=300)
        self._session.ehlo()
        self._session.mail(SENDER)
        assert self._session.rcpt(recipient)[0] == 250
        assert self._session.docmd("DATA")[0] == 354
        quoted = raw.replace(b"\r\n.", b"\r\n..")
        self._session.send(quoted[:len(quoted) // 2])
        self._rest = quoted[len(quoted) // 2:]

    def finish(self):
        """The rest of the content; the reply's code and text."""
        with self._session:
            self._session.send(self._rest + b".\r\n")
            return self._session.getreply()


@on_postgres
class ReceiveWithoutDatabase(RealSender):
    def postgres_url(self):
        self.postgres = PrivatePostgres()  # one that may be stopped
        self.addCleanup(self.postgres.close)
        return self.postgres.url

    def test_a_postfix_comes_again_while_the_database_is_away_and_its_mail_arrives_once(self):
        self.start_sender(PostfixRelay)
        self.start_receiver(store__deadline_ms=10_000)
        self.server.expect_errors("store.server_down", "store.outcome_unknown", "rest.request_failed")
        interrupted = HalfSent(self.place.port, mail("Interrupted", CLEAR), CLEAR)
        self.postgres.stop("immediate")
        code, text = interrupted.finish()
        self.assertEqual((code, text[:6]), (451, b"4.3.0 "))
        sent = {agent: mail_of(2048, f"Waits for {agent}", agent) for agent in (CLEAR, SECRET)}
        for agent, raw in sent.items():
            self.hand_in(raw, agent)
            eventually("it is refused for now, and again", lambda agent=agent: sum(
                f"to=<{agent}>" in line and "status=deferred" in line and "451 4.3.0" in line
                for line in self.sender_log().splitlines()) > 1)
        self.postgres.start()
        eventually("the server is ready again", self.server.is_ready)
        for agent, raw in sent.items():
            self.assert_whole(self.arrived(agent, f"Waits for {agent}"), raw)
        eventually("Postfix has nothing left", lambda: self.sender_log().count("status=sent") == len(sent))
        eventually("nothing is left in the spool", lambda: self.count("arrival_contents") == 0)
        for agent in sent:
            self.assertEqual([item["subject"] for item in self.account.messages(agent, read_status="all")],
                             [f"Waits for {agent}"])


@on_sqlite
class ReceiveOnAFullDisk(Inbox):
    """The database is on a file system of its own, small enough to be filled."""

    def make_store(self):
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "countersign-test", self.disk]
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted: " + mounted.stderr)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        return SqliteStore(self.disk)

    @contextlib.contextmanager
    def full_disk(self):
        filler = self.disk / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096) == 4096:
                pass
        yield
        filler.unlink()

    def test_a_full_disk_is_451_and_the_mail_arrives_once_when_there_is_room(self):
        self.start()
        deliver(self.port, mail("Before", AGENT), [AGENT])
        self.wait_for("Before")
        raw = mail_of(200_000, "Full", AGENT)
        interrupted = HalfSent(self.port, mail_of(200_000, "Interrupted", AGENT), AGENT)
        with self.full_disk():
            code, text = interrupted.finish()
            self.assertEqual((code, text[:6]), (451, b"4.3.0 "))
            for _ in range(3):
                with self.assertRaises(smtplib.SMTPDataError) as refused:
                    deliver(self.port, raw, [AGENT])
                self.assertEqual(refused.exception.smtp_code, 451)
        for _ in range(2):
            self.assertEqual(deliver(self.port, raw, [AGENT]), {})
        self.wait_for("Full")
        eventually("nothing is left in the spool", lambda: self.count("arrival_contents") == 0)
        self.assertEqual(sorted(item["subject"] for item in self.inbox()), ["Before", "Full"])


if __name__ == "__main__":
    unittest.main()

"""Mail servers that other people wrote deliver into agents' mailboxes: in clear and under TLS that they
verify, command by command, pipelined and chunked, from a kilobyte to the limit, and nothing beyond it."""

import subprocess
import unittest

from support.maildir import Maildir
from support.real_sender import (CLEAR, LIMIT_BYTES, SECRET, SENT_IN_CLEAR, SENT_OVER_TLS, RealSender,
                                 mail_of, receiving_place)
from support.relay import EximRelay, OpenSmtpdRelay, PostfixRelay
from support.scenario import on_sqlite
from support.sender import SENDER

_SIZES = {"1 KB": 1024, "100 KB": 100 * 1024,
          "25 MB": 25_000_000}  # with room for some bytes a line: Postfix announces more than it sends


@on_sqlite
class RealSenders(RealSender):
    def deliver_every_size(self, relay_class):
        """Each in both ways."""
        self.start_sender(relay_class)
        self.start_receiver()
        for agent, way in ((CLEAR, SENT_IN_CLEAR), (SECRET, SENT_OVER_TLS)):
            for name, size in _SIZES.items():
                with self.subTest(name, agent=agent):
                    raw = mail_of(size, name, agent)
                    self.hand_in(raw, agent)
                    message = self.arrived(agent, name)
                    self.assertRegex(self.assert_whole(message, raw), way)
                    self.assertEqual(message["verified_domain"], "sender.example")

    def bounce_of_what_is_too_large(self):
        """What the sender tells whoever sent it."""
        self.hand_in(mail_of(LIMIT_BYTES + 1, "Too large", SECRET), SECRET)
        self.relay.wait_for_mail(1)
        [bounce] = Maildir(self.relay.info["maildir"]).mails()
        self.assertEqual(self.with_subject(SECRET, "Too large"), [])
        return bounce.raw.decode(errors="replace")

    def test_postfix_delivers_in_clear_and_pipelined_under_verified_tls(self):
        self.deliver_every_size(PostfixRelay)
        log = self.sender_log()
        self.assertIn("discarding EHLO keywords: PIPELINING", log, "the plain way is command by command")
        self.assertIn("Using ESMTP PIPELINING", log)
        self.assertEqual(log.count("Verified TLS connection established to localhost"), 3)
        self.assertIn("exceeds size limit 26214400 of", self.bounce_of_what_is_too_large())

    def test_opensmtpd_delivers_in_clear_and_under_verified_tls(self):
        self.deliver_every_size(OpenSmtpdRelay)
        log = self.sender_log()
        self.assertIn('mta server-cert-check result="success"', log)
        self.assertIn("552 5.3.4 Message too large", self.bounce_of_what_is_too_large())

    def test_exim_delivers_in_clear_and_pipelined_in_chunks_under_verified_tls(self):
        self.deliver_every_size(EximRelay)
        sent = [line.split() for line in self.sender_log().splitlines() if " => " in line]
        marks = {"CV=yes", "L", "K"}  # certificate verified; PIPELINING; CHUNKING
        self.assertEqual([marks & set(line) for line in sent if SECRET in line], 3 * [marks])
        self.assertEqual([marks & set(line) for line in sent if CLEAR in line], 3 * [set()])
        self.assertIn("552 5.3.4 Message too large", self.bounce_of_what_is_too_large())

    def swaks(self, raw, recipient, *arguments):
        path = self.directory / "mail"
        path.write_bytes(raw.removesuffix(b"\r\n"))  # swaks adds one
        return subprocess.run(
            ["swaks", "--server", "localhost", "--port", str(self.place.port), "--helo", "sender.example",
             "--from", SENDER, "--to", recipient, "--data", f"@{path}", "--suppress-data", *arguments],
            capture_output=True, text=True, timeout=300, check=False)

    def test_swaks_delivers_in_clear_and_pipelined_under_verified_tls_up_to_the_last_byte_of_the_limit(self):
        self.place = self.enterContext(receiving_place())
        self.start_receiver()
        secretly = ["--tls", "--tls-verify", "--tls-ca-path", self.place.ca_file, "--pipeline"]
        sizes = _SIZES | {"The limit": LIMIT_BYTES}
        for agent, way, arguments in ((CLEAR, SENT_IN_CLEAR, []), (SECRET, SENT_OVER_TLS, secretly)):
            for name, size in sizes.items():
                with self.subTest(name, agent=agent):
                    raw = mail_of(size, name, agent)
                    done = self.swaks(raw, agent, *arguments)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    self.assertRegex(self.assert_whole(self.arrived(agent, name), raw, hops=1), way)
        done = self.swaks(mail_of(LIMIT_BYTES + 1, "A byte more", SECRET), SECRET, *secretly)
        self.assertIn("552 5.3.4 Message too large", done.stdout)
        self.assertEqual(self.with_subject(SECRET, "A byte more"), [])


if __name__ == "__main__":
    unittest.main()

"""What leaves is signed with the keys of its domain, and other people's verifiers agree."""

import base64
import pathlib
import re
import subprocess
import sys
import unittest

from support.client import draft
from support.peers import SmtpSink, plain_relay
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

JUDGES = pathlib.Path(__file__).resolve().parent.parent / "interop" / "dkim"
DOMAIN = AGENT.partition("@")[2]
REFUSED, USAGE = 1, 2


@on_both_stores
class Dkim:
    def setUp(self):
        super().setUp()
        self.sink = self.enterContext(SmtpSink())
        self.server = self.start_server(**plain_relay(self.sink.port))
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT, "Ada's agent")

    def dkim(self, *arguments, status=0):
        done = self.server.run("dkim", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def start_again(self):
        """A running server learns of keys within half a minute, a new one at once."""
        self.server.stop()
        self.server.restart()
        self.account = self.account.at(self.server.url)

    def sent(self, **more):
        message_id = self.account.send(AGENT, {**draft("Grüße – a subject that is long enough to be folded over "
                                                       "several lines of the header"), **more})["message_id"]
        raws = eventually("the relay has it", lambda: self.sink.raw_of(message_id))
        self.assertEqual(len(raws), 1)
        return raws[0]

    def judge(self, raw, records):
        """What each verifier says: {judge: [result of each signature]}."""
        zone = self.directory / "zone"
        zone.write_text("".join(line.replace(". IN TXT ", " TXT ") + "\n" for line in records))
        mail = self.directory / "sent.eml"
        mail.write_bytes(raw)
        said = {}
        for interpreter, judge in (("perl", "judge_mail_dkim.pl"), (sys.executable, "judge_opendkim.py"),
                                   ("/usr/bin/python3", "judge_dkimpy.py")):
            done = subprocess.run([interpreter, JUDGES / judge, zone, mail], capture_output=True, text=True, check=True,
                                  timeout=300)
            said[judge] = done.stdout.split("\t")[1].split(",")
        return said

    def test_every_verifier_accepts_what_was_sent(self):
        records = [self.dkim("create", DOMAIN).strip(), self.dkim("create", DOMAIN, "--algorithm", "ed25519").strip()]
        self.assertRegex(records[0], rf'\Ae2a\d{{6}}\._domainkey\.{DOMAIN}\. IN TXT "v=DKIM1; k=rsa; p=MIIB')
        self.assertRegex(records[1], rf'\Ae2a\d{{6}}-2\._domainkey\.{DOMAIN}\. IN TXT "v=DKIM1; k=ed25519; p=')
        raw = self.sent(text="Grüße\n.\n..dots  \n\nFrom here\n\n\n", html="<p>" + "long " * 400 + "</p>", attachments=[
            {"filename": "a.bin", "content_type": "application/octet-stream",
             "data": base64.b64encode(bytes(range(256)) * 200).decode()}])
        self.assertEqual(raw.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:"), 2)
        said = self.judge(raw, records)
        # The newest key signs first; Mail::DKIM in this release knows no Ed25519.
        self.assertEqual(said, {"judge_mail_dkim.pl": ["invalid", "pass"], "judge_opendkim.py": ["pass", "pass"],
                                "judge_dkimpy.py": ["pass", "pass"]})
        for judge, results in self.judge(raw.replace(b"Subject:", b"Subject: URGENT"), records).items():
            self.assertNotIn("pass", results, judge)

    def test_the_stored_message_and_local_copies_carry_no_signature(self):
        self.dkim("create", DOMAIN)
        self.account.create_agent("bob@" + DOMAIN)
        self.assertIn(b"DKIM-Signature:", self.sent(to=["bob@" + DOMAIN, "someone@example.org"]))
        stored = self.store.rows("SELECT COUNT(*) FROM message_contents")
        self.assertGreater(int(stored[0][0]), 1)
        for (raw,) in self.store.rows("SELECT raw FROM message_contents"):
            self.assertNotIn("DKIM-Signature", str(raw))

    def test_without_a_key_nothing_is_signed_and_a_retired_key_signs_nothing_more(self):
        self.assertNotIn(b"DKIM-Signature:", self.sent())
        selector = re.match(r"[^.]+", self.dkim("create", DOMAIN)).group()
        self.assertIn("signs", self.dkim("list", DOMAIN))
        self.start_again()
        self.assertIn(b"s=" + selector.encode(), self.sent())
        self.dkim("retire", DOMAIN, selector)
        self.assertIn("retired", self.dkim("list"))
        self.start_again()
        self.assertNotIn(b"DKIM-Signature:", self.sent())
        self.assertIn("has no key", self.dkim("retire", DOMAIN, selector, status=REFUSED))

    def test_private_keys_are_not_readable_in_the_store(self):
        self.dkim("create", DOMAIN)
        ((kept,),) = self.store.rows("SELECT private_key FROM domain_keys")
        kept = kept if isinstance(kept, bytes) else str(kept).encode()
        self.assertGreater(len(kept), 1000)
        for trace in (b"PRIVATE", bytes.fromhex("2a864886f70d010101"), b"2a864886f70d010101"):
            self.assertNotIn(trace, kept.lower() if trace.islower() else kept)

    def test_a_bad_command_says_what_to_do(self):
        self.assertIn("rsa or ed25519", self.dkim("create", DOMAIN, "--algorithm", "dsa", status=USAGE))
        for nonsense in ("localhost", "Example.com", "a..b", "a b.c", "-", "x." * 130):
            self.assertIn("is not a domain", self.dkim("create", nonsense, status=USAGE))
        for _ in range(4):
            self.dkim("create", DOMAIN)
        self.assertIn("retire one first", self.dkim("create", DOMAIN, status=REFUSED))


if __name__ == "__main__":
    unittest.main()

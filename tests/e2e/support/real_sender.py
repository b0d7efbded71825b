"""A server under test that real mail servers (tests/support) send to."""

import base64
import contextlib
import smtplib
import tempfile
import unittest
from pathlib import Path

from support.postgres import free_port
from support.relay import Forward, make_certificates
from support.sender import HOST, SENDER, ZONE, mail, resolver
from support.waiting import eventually

DOMAIN = "agents.localhost"
CLEAR = f"clear@{DOMAIN}"    # mail for this agent comes the plain way, see mail_relay.Forward
SECRET = f"secret@{DOMAIN}"  # and for this one with all that the sender can
LIMIT_BYTES = 25 * 1024 * 1024
SENT_OVER_TLS = r"with ESMTPS \(TLSv1\.3 \w+\)\r\n"
SENT_IN_CLEAR = r"with ESMTP\r\n"

_ADDED_FIELDS = r"\A(?:(?:Return-Path|Delivered-To|Received): .*\r\n(?:[ \t].*\r\n)*)+\Z"


def mail_of(size, subject, to):
    """A mail of exactly so many bytes: lines with dots in front, empty ones, long ones, and eight-bit text."""
    head = mail(subject, to, headers=["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
                                      "Content-Transfer-Encoding: 8bit"], body="")
    lines = ".\r\n..\r\n.a\r\n\r\nGrüße, 0123456789\r\n".encode() + b"x" * 600 + b"\r\n"
    repeated, last = divmod(size - len(head) - 2, len(lines))
    return head + lines * repeated + b"y" * last + b"\r\n"


@contextlib.contextmanager
def receiving_place():
    """Where a server under test will receive: a Forward to a free port. Its certificate is beside the ca_file."""
    with tempfile.TemporaryDirectory(prefix="countersign-place.") as folder:
        make_certificates(Path(folder))
        yield Forward(DOMAIN, free_port(), str(Path(folder, "ca.pem")))


@contextlib.contextmanager
def sender_of(relay_class):
    """A mail server that sends to a receiving place; the place is its `forward`."""
    if not relay_class.is_there():
        raise unittest.SkipTest(f"{relay_class.package} is not unpacked; scripts/install does that")
    with receiving_place() as place, relay_class(place) as relay:
        yield relay


class RealSender:
    """To be derived from beside Scenario: a server with a certificate and two agents, and who sends to it."""

    relay = None

    def start_sender(self, relay_class):
        self.relay = self.enterContext(sender_of(relay_class))
        self.place = self.relay.forward

    def start_receiver(self, **settings):
        """At self.place."""
        folder = Path(self.place.ca_file).parent
        self.server = self.start_server(
            inbound__listen=f"{HOST}:{self.place.port}", inbound__message_bytes_max=LIMIT_BYTES,
            inbound__tls_certificate_file=str(folder / "server.pem"),
            inbound__tls_key_file=str(folder / "server.key"),
            **resolver(ZONE), **settings)
        self.account = self.open_account(self.server)
        for agent in (CLEAR, SECRET):
            self.account.create_agent(agent)

    def hand_in(self, raw, recipient):
        """Gives a mail to the sending server."""
        port = self.relay.info["port"]
        with smtplib.SMTP(HOST, port, local_hostname="sender.example", timeout=300) as session:
            session.sendmail(SENDER, [recipient], raw, mail_options=["BODY=8BITMIME"])

    def sender_log(self):
        return Path(self.relay.info["log_file"]).read_text(errors="replace")

    def with_subject(self, agent, subject):
        messages = self.account.messages(agent, read_status="all")
        return [item for item in messages if item["subject"] == subject]

    def arrived(self, agent, subject):
        """The message as REST has it, once it is there."""
        [found] = eventually(f"'{subject}' is in the mailbox", lambda: self.with_subject(agent, subject))
        return self.account.message(agent, found["id"])

    def assert_whole(self, message, raw, hops=2):
        """Every byte that was sent is there, below what servers add on the way; returns the latter."""
        stored = base64.b64decode(message["raw_message"])
        self.assertTrue(stored.endswith(raw), "the bytes are kept below the trace")
        trace = stored[:-len(raw)].decode()
        self.assertRegex(trace, _ADDED_FIELDS)
        self.assertEqual(trace.count("Received: "), hops)
        return trace

"""Another mail server that delivers to ours, with Python's smtplib."""

import re
import smtplib
import socket

HOST = "127.0.0.1"
SENDER = "grace@sender.example"

# The sender's zone: its own address may send, and others are to be refused.
ZONE = "\n".join(['sender.example. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"',
                  '_dmarc.sender.example. 60 IN TXT "v=DMARC1; p=reject"'])


def resolver(zone=None):
    """Settings of a server that asks no resolver outside of this machine, but knows what is in `zone`. For that it
    takes its time; without a zone every question ends with its time."""
    asked = {"dns__servers": "127.0.0.1@9"}
    return {**asked, "dns__timeout_ms": 300} if zone is None else {
        **asked, "dns__timeout_ms": 60_000, "dns__local_data": zone}


def mail(subject, to, *, sender=SENDER, message_id=None, headers=(), body="Good morning.\r\n"):
    """The bytes of a plain mail, line ends CRLF."""
    lines = [f"From: Grace <{sender}>", f"To: {to}", f"Subject: {subject}",
             "Date: Tue, 24 Nov 2026 10:00:00 +0000",
             f"Message-ID: <{message_id or re.sub('[^a-z0-9]+', '-', subject.lower())}@sender.example>", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def deliver(port, raw, recipients, *, sender=SENDER, timeout=300):
    """One session, one message; the refused recipients. Raises what smtplib raises."""
    with smtplib.SMTP(HOST, port, local_hostname="sender.example", timeout=timeout) as session:
        return session.sendmail(sender, recipients, raw)


def deliver_through_proxy(port, header, raw, recipients, *, sender=SENDER):
    """As deliver, over a connection that begins with the bytes of a PROXY protocol header."""
    session = smtplib.SMTP(local_hostname="sender.example", timeout=300)
    session.sock = socket.create_connection((HOST, port), timeout=300)
    session.sock.sendall(header)
    with session:
        if session.getreply()[0] != 220:
            raise smtplib.SMTPServerDisconnected("no greeting")
        return session.sendmail(sender, recipients, raw)


def bounce(return_path):
    """A delivery status notification for gone@sender.example (RFC 3464)."""
    return "\r\n".join([
        "From: postmaster@sender.example", f"To: {return_path}", "Subject: Undelivered",
        "Message-ID: <bounce@sender.example>", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "",
        "--b", "Content-Type: text/plain", "", "It could not be delivered.", "--b",
        "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; sender.example", "",
        "Final-Recipient: rfc822; gone@sender.example", "Action: failed", "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user", "", "--b--", ""]).encode()

"""Another mail server that delivers to ours, with Python's smtplib."""

import re
import smtplib

HOST = "127.0.0.1"
SENDER = "grace@sender.example"


def mail(subject, to, *, sender=SENDER, message_id=None, headers=(), body="Good morning.\r\n"):
    """The bytes of a plain mail, line ends CRLF."""
    lines = [f"From: Grace <{sender}>", f"To: {to}", f"Subject: {subject}",
             "Date: Tue, 24 Nov 2026 10:00:00 +0000",
             f"Message-ID: <{message_id or re.sub('[^a-z0-9]+', '-', subject.lower())}@sender.example>", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def deliver(port, raw, recipients, *, sender=SENDER, timeout=30):
    """One session, one message; the refused recipients. Raises what smtplib raises."""
    with smtplib.SMTP(HOST, port, local_hostname="sender.example", timeout=timeout) as session:
        return session.sendmail(sender, recipients, raw)

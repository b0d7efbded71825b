#!/usr/bin/env python3
"""Reads composed messages with Python's email package and compares them with what was to be composed.

usage: oracle_test.py SAMPLE_MAIL FIXTURES

SAMPLE_MAIL prints random compositions with their messages; FIXTURES holds golden ones (name.json, name.eml).
"""

import base64
import email
import email.errors
import email.policy
import email.utils
import json
import pathlib
import re
import subprocess
import sys
from datetime import datetime

SEED, COUNT = "20261123", "600"
LINE_MAX = 998  # RFC 5322 §2.1.1
# Invisible characters that a file name does not keep, and what opens a line for some reader.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
DROPPED_FROM_NAMES = re.compile(
    "[/\\\\\x00-\x1f\x7f-\x9f\xad\u1680\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\ufeff]")


def header_text(text):
    return CONTROLS.sub(" ", text)


def filename(text):
    name = DROPPED_FROM_NAMES.sub("", text).strip(" ")
    return name if name.strip(".") else "attachment"


def lines(text):
    """The text as it comes back: LF line ends, no NUL."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def addresses(field):
    return [a.addr_spec for a in field.addresses] if field is not None else []


def bare(mailbox_text):
    return re.search(r"<([^<>]*)>$", mailbox_text).group(1) if mailbox_text.endswith(">") else mailbox_text


def defects(message):
    found = list(message.defects)
    for _, value in message.items():
        # Addresses outside ASCII are RFC 6532, which this parser only half knows.
        found += [d for d in value.defects if not isinstance(d, email.errors.NonASCIILocalPartDefect)]
    for part in message.iter_parts() if message.is_multipart() else []:
        found += defects(part)
    return found


def check_bytes(raw):
    assert raw.endswith(b"\r\n")
    bare_ends = raw.replace(b"\r\n", b"")
    assert b"\r" not in bare_ends and b"\n" not in bare_ends and b"\0" not in raw
    assert all(len(line) <= LINE_MAX for line in raw.split(b"\r\n"))
    head = raw.split(b"\r\n\r\n")[0].decode()
    assert all(len(line) <= 78 or " " not in line.strip() or re.search(r"\S{60}", line)
               for line in head.split("\r\n")), head


def check_header(message, wanted):
    assert message["Subject"] == header_text(wanted["subject"]), (message["Subject"], wanted["subject"])
    name, address = wanted["from"]
    (sender,) = message["From"].addresses
    assert sender.addr_spec == address, (sender, address)
    # Python 3.11 keeps the blank between adjacent encoded-words of a name, and joins others.
    shown, meant = ("".join(text.split()) for text in (sender.display_name, header_text(name)))
    assert shown == meant, (shown, meant)
    assert addresses(message["To"]) == [bare(t) for t in wanted["to"]]
    assert addresses(message["Cc"]) == [bare(t) for t in wanted["cc"]]
    assert addresses(message["Reply-To"]) == ([bare(wanted["reply_to"])] if wanted["reply_to"] else [])
    assert message["Date"].datetime == datetime.fromisoformat(wanted["date"]).replace(microsecond=0)
    assert message["Bcc"] is None and message["X-Evil"] is None and message["X-Bad"] is None
    assert len(message.get_all("Content-Type")) == 1
    for name, value in wanted["extra_headers"]:
        if name in ("X-E2A-Message-ID", "X-E2A-Conversation-ID"):
            assert message[name] == header_text(value), (message[name], value)


def check_text(message, kind, wanted):
    part = message.get_body((kind,))
    if not wanted:
        assert part is None or part.get_content().strip() == ""
        return
    content = part.get_content().replace("\r\n", "\n")
    assert content in (lines(wanted), lines(wanted) + "\n"), (kind, content, wanted)


def check(raw, wanted):
    check_bytes(raw)
    # As text, since addresses stand as raw UTF-8 (RFC 6532) and everything else is ASCII.
    message = email.message_from_string(raw.decode(), policy=email.policy.default)
    assert not defects(message), defects(message)
    check_header(message, wanted)
    check_text(message, "plain", wanted["text"])
    check_text(message, "html", wanted["html"])
    parts = list(message.iter_attachments()) if wanted["attachments"] else []
    assert len(parts) == len(wanted["attachments"])
    for part, attachment in zip(parts, wanted["attachments"]):
        assert part.get_content_disposition() == "attachment"
        # Python takes outer blanks, quotes and angle brackets off, even decoded ones.
        name = email.utils.unquote(filename(attachment["filename"])).strip()
        assert part.get_filename() == name, (part.get_filename(), attachment["filename"])
        assert part.get_payload(decode=True) == base64.b64decode(attachment["content_base64"])
        assert not part.get_content_type().startswith(("message/", "multipart/"))


def fixture(path):
    wanted = {"cc": [], "reply_to": "", "text": "", "html": "", "extra_headers": [], "attachments": []}
    wanted |= json.loads(path.read_text())
    wanted["from"] = list(email.utils.parseaddr(wanted["from"]))
    for attachment in wanted["attachments"]:
        if "content" in attachment:
            attachment["content_base64"] = base64.b64encode(attachment["content"].encode())
    return wanted


def main():
    sample_mail, fixtures = sys.argv[1:]
    for path in sorted(pathlib.Path(fixtures).glob("*.json")):
        check(path.with_suffix(".eml").read_bytes(), fixture(path))
    output = subprocess.run([sample_mail, SEED, COUNT], check=True, stdout=subprocess.PIPE).stdout
    checked = 0
    for line in output.decode().split("\n"):
        if line:
            wanted = json.loads(line)
            raw = base64.b64decode(wanted["message"])
            try:
                check(raw, wanted)
            except Exception:
                sys.stdout.buffer.write(raw)
                raise
            checked += 1
    assert checked == int(COUNT)


if __name__ == "__main__":
    main()

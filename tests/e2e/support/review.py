"""Mail to reviewers, and what a reviewer does with it."""

import base64
import hmac
import html
import re
import time
import urllib.parse

from support.client import Client
from support.waiting import eventually

_LINK = re.compile(r"https?://[^\s\"<>]+/v1/(approve|reject)\?t=[A-Za-z0-9._-]+")

# What a server is started with to mail reviewers without waiting; everything else of a scenario stays quiet.
REVIEWER_MAIL = {
    "notifications__enabled": "true", "notifications__on_unseen": "reject", "notifications__gather_seconds": 0,
    "notifications__poll_interval_ms": 50, "notifications__retry_first_ms": 100, "notifications__lease_seconds": 1,
    "notifications__links_per_minute": 100_000,
}


def with_public_url(server):
    """The links of its mails lead to this server."""
    server.settings["http.public_url"] = server.url
    return server


def reviewer_mails(maildir):
    return [mail for mail in maildir.mails() if mail["X-Countersign-Review-Mail"]]


def mail_about(maildir, message_id):
    """The mail that tells of this hold, once it is there."""
    def look():
        return next((mail for mail in reviewer_mails(maildir) if message_id in mail.text), None)
    return eventually(f"a reviewer is told of {message_id}", look)


def links_of(mail, message_id):
    """{"approve": …, "reject": …} of the part of the mail that tells of this hold."""
    part = next(part for part in mail.text.split("-" * 40) if message_id in part)
    return {match.group(1): match.group(0) for match in _LINK.finditer(part)}


def long_ago(link, secret, link_key):
    """The link as a mail of another day held it: made by the same deployment, good until a minute ago (notify/link.hpp
    has the form of its token, base/seal.hpp that of its key)."""
    page, _, token = link.partition("?t=")
    payload = base64.urlsafe_b64decode(token.partition(".")[0] + "==").decode().split("|")
    payload[2] = str(int(time.time()) - 60)
    payload = "|".join(payload).encode()
    extracted = hmac.digest(bytes(32), secret.encode(), "sha256")
    key = hmac.digest(extracted, b"review links\x01", "sha256")
    mac = hmac.digest(key, link_key.encode() + b"\n" + payload, "sha256")
    return f"{page}?t=" + ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (payload, mac))


class Page:
    """What the address of a link answers."""

    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.html = answer.body.decode()
        self.title = html.unescape(re.search(r"<h1>(.*?)</h1>", self.html, re.DOTALL).group(1))
        self.text = html.unescape(re.sub(r"<[^>]*>", " ", self.html))

    def __repr__(self):
        return f"<{self.status} {self.title!r}>"


def _split(link):
    parts = urllib.parse.urlsplit(link)
    return Client(f"{parts.scheme}://{parts.netloc}"), parts.path, parts.query


def look(link, method="GET"):
    client, path, query = _split(link)
    return Page(client.request(method, f"{path}?{query}"))


def press(link, **fields):
    """Sends the form of the page behind the link."""
    client, path, query = _split(link)
    form = {**dict(urllib.parse.parse_qsl(query)), **fields}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Page(client.request("POST", path, urllib.parse.urlencode(form).encode(), headers=headers))

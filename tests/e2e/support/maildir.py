"""Reading what arrived in a Maildir."""

import collections
import email
import email.policy
from pathlib import Path


class Mail:
    """One message as a mail reader sees it."""

    def __init__(self, path):
        self.path = path
        self.raw = path.read_bytes()
        self._parsed = email.message_from_bytes(self.raw, policy=email.policy.default)

    def __getitem__(self, header):
        value = self._parsed[header]
        return None if value is None else str(value)

    @property
    def message_id(self):
        """The API's id of the message."""
        return self["X-E2A-Message-ID"]

    @property
    def subject(self):
        return self["Subject"]

    @property
    def text(self):
        return self._parsed.get_body(("plain",)).get_content()

    @property
    def html(self):
        return self._parsed.get_body(("html",)).get_content()

    @property
    def attachments(self):
        """Pairs of file name and decoded bytes."""
        return [(part.get_filename(), part.get_payload(decode=True))
                for part in self._parsed.iter_attachments()]

    @property
    def defects(self):
        return [defect for part in self._parsed.walk() for defect in part.defects]


class Maildir:
    def __init__(self, path):
        self.path = Path(path)

    def mails(self):
        """Everything delivered, oldest first."""
        mails = []
        for folder in ("new", "cur"):
            for path in (self.path / folder).glob("*"):
                try:
                    mails.append(Mail(path))
                except FileNotFoundError:  # a reader moved it meanwhile
                    continue
        return sorted(mails, key=lambda mail: mail.path.name)

    def with_subject(self, subject):
        return [mail for mail in self.mails() if mail.subject == subject]

    def copies(self):
        """How many mails arrived for each message id."""
        return collections.Counter(mail.message_id for mail in self.mails())

    def unfinished(self):
        """Files that were begun and not delivered."""
        return sorted((self.path / "tmp").glob("*"))

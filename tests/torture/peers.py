"""Where the mail of a lane goes, and what the other side itself says that it has."""

import collections
import concurrent.futures

from boundaries import LOOPBACK, MAILDIR, RESEND, SES, SMTP
from resend_stand_in import ResendStandIn
from ses_stand_in import SesStandIn
from smtp_sink import SmtpSink
from sns_stand_in import SnsStandIn, ses_event
from support.client import path_of
from support.maildir import Mail

READER = "reader@agents.localhost"


class Peer:
    """A place that takes mail and keeps its own record of it."""

    name = None
    finished = ("sent", "delivered")  # delivery_status of what was handed over

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def settings(self):
        return {}

    def recipient(self, turn):
        return f"someone{turn}@example.org"

    def will_tell(self, lane, message_id):
        """Whether the other side tells of the message by and by, so that nobody has to wonder for ever."""
        return False

    def before_run(self, boundary):
        """Makes sure that the boundary can be passed."""

    def copies_of(self, lane, message_id):
        """How often each recipient was given the message."""
        raise NotImplementedError


class LoopbackPeer(Peer):
    name = LOOPBACK

    def recipient(self, turn):
        return READER

    def copies_of(self, lane, message_id):
        subject = lane.subject_of(message_id)
        found = lane.ask("GET", path_of("agents", READER, "messages") + f"?limit=100&subject_contains={subject}")
        return collections.Counter(READER for item in found["items"] if item["subject"] == subject)


class SmtpPeer(Peer):
    name = SMTP

    def __init__(self):
        self.sink = SmtpSink()

    def __enter__(self):
        self.sink.__enter__()
        return self

    def __exit__(self, *arguments):
        self.sink.__exit__(*arguments)

    def settings(self):
        return {"smtp.host": "127.0.0.1", "smtp.port": self.sink.port, "smtp.tls": "none"}

    def before_run(self, boundary):
        if boundary.fault.startswith(("smtp.connect", "smtp.session")):
            self.sink.cut_all()  # a new session is needed

    def copies_of(self, lane, message_id):
        return self.sink.copies_of(message_id)


class HttpPeer(Peer):
    """A provider over HTTP, played by a stand-in of tests/support."""

    stand_in = None

    def __init__(self):
        self.provider = self.stand_in()

    def __enter__(self):
        self.provider.start()
        return self

    def __exit__(self, *_):
        self.provider.stop()

    def copies_of(self, lane, message_id):
        return collections.Counter(recipient for entry in self.provider.copies(message_id)
                                   for recipient in entry["recipients"])


class SesPeer(HttpPeer):
    """Its events go out over SNS as soon as it has a message: often before the answer is recorded, and to a server
    that may be down. They name the message by the tags of the request only."""

    name = SES
    stand_in = SesStandIn

    def __init__(self):
        super().__init__()
        self.sns = SnsStandIn()
        self.server_url = None
        self._events = concurrent.futures.ThreadPoolExecutor(4)

    def __enter__(self):
        self.sns.__enter__()
        self.provider.listeners.append(lambda entry: self._events.submit(self._tell, entry))
        return super().__enter__()

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self._events.shutdown(cancel_futures=True)
        self.sns.__exit__(*arguments)

    def _tell(self, entry):
        for kind in ("Send", "Delivery"):
            event = ses_event(kind, provider_id=entry["message_id"], recipients=entry["recipients"])
            event["mail"]["tags"] = {name: [value] for name, value in entry["tags"].items()}
            self.sns.deliver(self.server_url, self.sns.notification(event))

    def will_tell(self, lane, message_id):
        return bool(self.provider.copies(message_id))

    def settings(self):
        info = self.provider.info
        dotted = {key.replace("__", "."): value for key, value in self.sns.settings().items()}
        return {**dotted, "outbound.provider": "ses", "ses.region": info["region"], "ses.endpoint": info["url"],
                "ses.access_key_id": info["access_key_id"], "ses.secret_access_key": info["secret_access_key"],
                "ses.configuration_set": info["configuration_set"]}


class ResendPeer(HttpPeer):
    name = RESEND
    stand_in = ResendStandIn

    def settings(self):
        return {"outbound.provider": "resend", "resend.endpoint": self.provider.url,
                "resend.api_key": self.provider.api_key}


class MaildirPeer(Peer):
    """Knows a repeat by its key: the name of the file."""

    name = MAILDIR

    def copies_of(self, lane, message_id):
        files = [path for folder in ("new", "cur") for path in (lane.server.maildir.path / folder).glob("*")
                 if message_id in path.name]
        return collections.Counter(Mail(path)["Delivered-To"] for path in files)


PEERS = {peer.name: peer for peer in (LoopbackPeer, SmtpPeer, SesPeer, ResendPeer, MaildirPeer)}

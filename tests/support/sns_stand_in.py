#!/usr/bin/env python3
"""An honest Amazon SNS (with SES before it) for tests, on 127.0.0.1.

It has an authority of its own, signs envelopes as SNS does (SignatureVersion 1 and 2), offers its certificates
over HTTPS, confirms subscriptions, and repeats what is answered with 5xx as SNS would. It can also be told to
lie: an expired certificate, a certificate for another name, another key, a foreign topic, an old time.

    with SnsStandIn() as sns:
        server = start_server(**sns.settings())
        envelope = sns.notification(ses_event("Delivery", message_id="msg_…", recipients=["a@b"]))
        sns.post(server.url, envelope)              # the answer's status
        sns.post(server.url, envelope)              # twice
        sns.deliver(server.url, envelope)           # until it is taken

Only Python's library and the openssl program are needed.
"""

import base64
import datetime
import http.client
import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

from mail_relay import HOST, run

TOPIC = "arn:aws:sns:eu-west-1:123456789012:countersign-feedback"
WEBHOOK = "/webhooks/ses"
REPEAT_SECONDS_MAX = 300
_REPEAT_PAUSE_SECONDS = 0.1
_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")

# What the certificates say of themselves: name, begin and end.
_DAY = datetime.timedelta(days=1)
_CERTIFICATES = {
    "good": ("sns.amazonaws.com", -_DAY, _DAY),
    "expired": ("sns.amazonaws.com", -2 * _DAY, -_DAY),
    "other_name": ("sns.example.com", -_DAY, _DAY),
}

_CA_CONF = """\
[ca]
default_ca = stand_in
[stand_in]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp_of(when):
    """As AWS writes times: `2026-11-24T10:00:00.000Z`."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def ses_event(kind, *, message_id="", submission="", provider_id="", recipients=(), older=False, **details):
    """The JSON of one SES event. `details` go into the member that describes it: bounceType="Permanent", …"""
    member, listed = {
        "Send": ("send", None),
        "Delivery": ("delivery", "recipients"),
        "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
        "Bounce": ("bounce", "bouncedRecipients"),
        "Complaint": ("complaint", "complainedRecipients"),
        "Reject": ("reject", None),
        "Rendering Failure": ("failure", None),
        "Open": ("open", None),
    }[kind]
    about = {"timestamp": timestamp_of(now()), "messageId": provider_id or str(uuid.uuid4()), "tags": {},
             "source": "bounces@example.com", "destination": list(recipients)}
    if message_id:
        about["headersTruncated"] = False
        about["headers"] = [{"name": "X-E2A-Message-ID", "value": message_id}]
        if not older:
            about["tags"]["countersign-message"] = [message_id]
    if submission:
        about["tags"]["countersign-submission"] = [submission]
    described = {"timestamp": timestamp_of(now()), **details}
    if listed == "recipients":
        described[listed] = list(recipients)
    elif listed:
        described[listed] = [{"emailAddress": address, "diagnosticCode": f"smtp; about {address}"}
                             for address in recipients]
    return {"notificationType" if older else "eventType": kind, "mail": about, member: described}


class SnsStandIn:
    def __init__(self):
        self.folder = None
        self.confirmed = []  # tokens of subscriptions that were confirmed
        self.fetched = []    # paths that were asked for
        self._server = None
        self._thread = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-sns-"))
        try:
            self._make_certificates()
            self._serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    @property
    def authority(self):
        return f"{HOST}:{self._server.server_address[1]}"

    def settings(self):
        """Settings for Scenario.add_server."""
        return {"feedback__sns_topic_arns": TOPIC, "feedback__sns_stand_in_for_tests": self.authority,
                "feedback__sns_stand_in_for_tests_ca_file": str(self.folder / "ca.pem")}

    # Envelopes, as bytes.

    def notification(self, message, *, version=2, certificate="good", topic=TOPIC, when=None, key="good",
                     subject="Amazon SES Email Event Notification"):
        text = message if isinstance(message, str) else json.dumps(message)
        envelope = {"Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": topic, "Message": text,
                    "Timestamp": timestamp_of(when or now()), "UnsubscribeURL": f"https://{self.authority}/"}
        if subject is not None:
            envelope["Subject"] = subject
        return self._signed(envelope, version, certificate, key)

    def confirmation(self, *, version=1, topic=TOPIC, url=None, kind="SubscriptionConfirmation"):
        token = uuid.uuid4().hex
        query = urllib.parse.urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token})
        envelope = {"Type": kind, "MessageId": str(uuid.uuid4()), "Token": token, "TopicArn": topic,
                    "Message": "You have chosen to subscribe to the topic.",
                    "SubscribeURL": url or f"https://{self.authority}/?{query}",
                    "Timestamp": timestamp_of(now())}
        return self._signed(envelope, version, "good", "good")

    # Their way to the subscriber.

    def post(self, url, envelope):
        """One delivery; the status of its answer."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=REPEAT_SECONDS_MAX)
        try:
            connection.request("POST", WEBHOOK, envelope, {
                "Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
                "x-amz-sns-message-type": json.loads(envelope)["Type"]})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def deliver(self, url, envelope):
        """Repeats as SNS does: after a lost connection or a 5xx, and nothing else. The final status."""
        until = time.monotonic() + REPEAT_SECONDS_MAX
        while True:
            try:
                status = self.post(url, envelope)
            except (OSError, http.client.HTTPException):
                status = 599
            if status < 500 or time.monotonic() > until:
                return status
            time.sleep(_REPEAT_PAUSE_SECONDS)

    # Below.

    def _signed(self, envelope, version, certificate, key):
        text = "".join(f"{name}\n{envelope[name]}\n" for name in _SIGNED if name in envelope)
        digest = {1: "-sha1", 2: "-sha256"}[version]
        done = subprocess.run(["openssl", "dgst", digest, "-sign", self.folder / f"{key}.key"], check=True,
                              input=text.encode(), capture_output=True)
        return json.dumps({**envelope, "SignatureVersion": str(version),
                           "Signature": base64.b64encode(done.stdout).decode(),
                           "SigningCertURL": f"https://{self.authority}/SimpleNotificationService-{certificate}.pem",
                           }).encode()

    def _make_certificates(self):
        folder = self.folder
        (folder / "ca.conf").write_text(_CA_CONF.format(folder=folder))
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
            "2", "-subj", "/CN=Stand-in authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
        for label, (name, begin, end) in _CERTIFICATES.items():
            self._issue(label, name, f"DNS:{name}", begin, end)
        self._issue("web", HOST, f"IP:{HOST}", -_DAY, _DAY)

    def _issue(self, label, name, alternative_name, begin, end):
        folder = self.folder
        extensions = folder / f"{label}.ext"
        extensions.write_text(f"basicConstraints=critical,CA:FALSE\nsubjectAltName={alternative_name}\n")
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
            folder / f"{label}.key", "-out", folder / f"{label}.csr")
        form = "%Y%m%d%H%M%SZ"
        run("openssl", "ca", "-batch", "-notext", "-config", folder / "ca.conf", "-cert", folder / "ca.pem",
            "-keyfile", folder / "ca.key", "-in", folder / f"{label}.csr", "-out", folder / f"{label}.pem",
            "-extfile", extensions, "-startdate", (now() + begin).strftime(form), "-enddate",
            (now() + end).strftime(form))

    def _serve(self):
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 (the name is the library's)
                stand_in.fetched.append(self.path)
                status, body = stand_in._page(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "web.pem", self.folder / "web.key")
        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _page(self, path):
        parts = urllib.parse.urlsplit(path)
        label = parts.path.removeprefix("/SimpleNotificationService-").removesuffix(".pem")
        if label in _CERTIFICATES:
            return 200, (self.folder / f"{label}.pem").read_bytes()
        query = urllib.parse.parse_qs(parts.query)
        if query.get("Action") == ["ConfirmSubscription"]:
            self.confirmed += query["Token"]
            return 200, b"<ConfirmSubscriptionResponse/>"
        return 404, b""

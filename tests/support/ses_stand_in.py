#!/usr/bin/env python3
"""Amazon SES (API v2, SendEmail with raw content) for tests, and the instance metadata service beside it.

Verifies Signature Version 4 from its description in the AWS General Reference, not with the code under test:
payload hash, signed headers, date, scope, session token. Has no idempotency, as SES has none: every request
that it accepts is another mail.

    with SesStandIn() as ses:
        ses.access_key_id, ses.secret_access_key, ses.region, ses.url
        ses.set_faults({"kind": "reset_after"})
        ses.accepted[0]["raw"], ["message_id"], ["recipients"], ["tags"], ["configuration_set"], ["at"]
        ses.listeners.append(callback)      # with every accepted entry: publish its events from there
        ses.issue_role_credentials(valid_seconds=3600)     # GET …/security-credentials/ names them from now on
"""

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import re
import secrets
import time
import urllib.parse

from http_stand_in import Refusal, StandIn, main, new_id

SEND_PATH = "/v2/email/outbound-emails"
ROLE = "countersign-test-role"
SKEW_SECONDS_MAX = 300  # "Signature expired": five minutes
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class SesStandIn(StandIn):
    """Amazon SES for tests."""

    settable = ("access_key_id", "secret_access_key", "session_token")

    def __init__(self, port=0, seed=1, region="eu-central-1", configuration_sets=("events",)):
        super().__init__(port, seed)
        self.region = region
        self.access_key_id = "AKIA" + secrets.token_hex(8).upper()
        self.secret_access_key = secrets.token_urlsafe(30)
        self.configuration_sets = configuration_sets
        self.role_credentials = {}  # access key id → (secret, token, expires at, in seconds since 1970)
        self.metadata_tokens = set()
        self.role = None            # the credentials that the metadata service gives out
        self.info |= {"region": region, "access_key_id": self.access_key_id,
                      "secret_access_key": self.secret_access_key, "configuration_set": "events"}

    def sends(self, method, path):
        return (method, path) == ("POST", SEND_PATH)

    # Sending.

    def accept(self, handler, body):
        self._verify(handler, body)
        try:
            request = json.loads(body)
            raw = base64.b64decode(request["Content"]["Raw"]["Data"], validate=True)
            destination = request.get("Destination", {})
            recipients = [address for kind in ("ToAddresses", "CcAddresses", "BccAddresses")
                          for address in destination.get(kind, [])]
            tags = {tag["Name"]: tag["Value"] for tag in request.get("EmailTags", [])}
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise Refusal(400, "BadRequestException", f"not a request: {error!r}") from error
        if not 1 <= len(recipients) <= 50:
            raise Refusal(400, "BadRequestException", "Recipient count must be between 1 and 50.")
        if not all(TAG.fullmatch(text) for pair in tags.items() for text in pair):
            raise Refusal(400, "BadRequestException", "Invalid tag.")
        configuration_set = request.get("ConfigurationSetName")
        if configuration_set is not None and configuration_set not in self.configuration_sets:
            raise Refusal(404, "NotFoundException", f"Configuration set <{configuration_set}> does not exist.")
        if not re.search(rb"(?im)^from:", raw.partition(b"\r\n\r\n")[0]):
            raise Refusal(400, "MessageRejected", "Missing required header 'From'.")
        message_id = f"0107{secrets.token_hex(6)}-{new_id()}-000000"
        entry = {"message_id": message_id, "tags": tags, "recipients": recipients, "raw": raw,
                 "configuration_set": configuration_set, "at": time.time(), "search": raw.decode("latin-1")}
        return 200, {"Content-Type": "application/json"}, json.dumps({"MessageId": message_id}).encode(), entry

    def refusal(self, refusal):
        text = json.dumps({"message": refusal.message}).encode()
        return refusal.status, {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.name}, text

    # Everything else.

    def serve(self, handler, body):
        if handler.path.startswith("/latest/"):
            return self._serve_metadata(handler)
        self._verify(handler, body)
        if (handler.command, handler.path) == ("GET", "/v2/email/account"):
            return 200, {"Content-Type": "application/json"}, b'{"SendingEnabled": true}'
        raise Refusal(404, "UnknownOperationException", "no such operation")

    def issue_role_credentials(self, valid_seconds):
        with self.lock:
            expires_at = time.time() + valid_seconds
            key = "ASIA" + secrets.token_hex(8).upper()
            self.role_credentials[key] = (secrets.token_urlsafe(30), secrets.token_urlsafe(100), expires_at)
            self.role = key
            return key

    def revoke(self, access_key_id):
        with self.lock:
            del self.role_credentials[access_key_id]

    # IMDSv2 (EC2 User Guide): a token first, and every question with it.
    def _serve_metadata(self, handler):
        folder = "/latest/meta-data/iam/security-credentials/"
        if (handler.command, handler.path) == ("PUT", "/latest/api/token"):
            if not 1 <= int(handler.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "0")) <= 21600:
                return 400, {}, b""
            token = secrets.token_urlsafe(40)
            self.metadata_tokens.add(token)
            return 200, {}, token.encode()
        if handler.headers.get("X-aws-ec2-metadata-token") not in self.metadata_tokens:
            return 401, {}, b""
        if self.role is None:
            return 404, {}, b""
        if handler.path == folder:
            return 200, {}, ROLE.encode()
        if handler.path != folder + ROLE:
            return 404, {}, b""
        secret, token, expires_at = self.role_credentials[self.role]
        expiration = datetime.datetime.fromtimestamp(expires_at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 200, {}, json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": self.role,
                                    "SecretAccessKey": secret, "Token": token,
                                    "Expiration": expiration}).encode()

    # AWS General Reference, "Create a signed AWS API request".
    def _verify(self, handler, body):
        headers = {}
        for name, value in handler.headers.items():
            headers.setdefault(name.lower(), []).append(" ".join(value.split()))
        authorization = headers.get("authorization", [""])[0]
        if not authorization:
            raise Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                             r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", authorization)
        if not match:
            raise Refusal(400, "IncompleteSignatureException", "Authorization header is malformed")
        key_id, date, region, service, signed, signature = match.groups()
        secret = self._secret_of(key_id, headers)
        when = headers.get("x-amz-date", [""])[0]
        names = signed.split(";")
        must_be_signed = {"host", "x-amz-date"} | {name for name in headers if name.startswith("x-amz-")}
        if names != sorted(names) or not must_be_signed <= set(names):
            raise Refusal(403, "InvalidSignatureException", "A header that must be signed is not")
        if (region, service) != (self.region, "ses") or not when.startswith(date):
            raise Refusal(403, "InvalidSignatureException", "Credential should be scoped to a valid region")
        self._check_date(when)
        path, _, query = handler.path.partition("?")
        canonical = "\n".join([
            handler.command, urllib.parse.quote(path, safe="/-_.~"), "&".join(sorted(query.split("&"))),
            "".join(f"{name}:{','.join(headers.get(name, ['']))}\n" for name in names), signed,
            hashlib.sha256(body).hexdigest()])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", when, f"{date}/{region}/{service}/aws4_request",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + secret.encode()
        for part in (date, region, service, "aws4_request"):
            key = _hmac(key, part)
        if not hmac.compare_digest(_hmac(key, to_sign).hex(), signature):
            raise Refusal(403, "InvalidSignatureException",
                          "The request signature we calculated does not match the signature you provided.")

    def _secret_of(self, key_id, headers):
        with self.lock:
            token = headers.get("x-amz-security-token", [None])[0]
            if key_id == self.access_key_id and token is None:
                return self.secret_access_key
            secret, wanted, expires_at = self.role_credentials.get(key_id, (None, None, 0))
        if secret is None or token != wanted:
            raise Refusal(403, "UnrecognizedClientException",
                          "The security token included in the request is invalid.")
        if expires_at <= time.time():
            raise Refusal(403, "ExpiredTokenException", "The security token included in the request is expired")
        return secret

    @staticmethod
    def _check_date(when):
        try:
            signed_at = datetime.datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        except ValueError as error:
            raise Refusal(400, "IncompleteSignatureException", "Date must be in ISO-8601 'basic format'") from error
        if abs(signed_at.timestamp() - time.time()) > SKEW_SECONDS_MAX:
            raise Refusal(403, "InvalidSignatureException", f"Signature expired: {when}")


if __name__ == "__main__":
    main(SesStandIn, region="eu-central-1")

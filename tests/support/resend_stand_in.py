#!/usr/bin/env python3
"""Resend (POST /emails) for tests, with its idempotency keys as documented: kept for 24 hours; the same key with
the same payload gets the first answer again and no second mail; with another payload, or while the first request
is still being worked at, a 409.

    with ResendStandIn() as resend:
        resend.api_key, resend.url
        resend.set_faults({"kind": "reset_after"})
        resend.accepted[0]["message_id"], ["email"] (the fields), ["key"], ["recipients"], ["at"]
        resend.age_keys(seconds)            # as if that much time had passed
"""

import base64
import binascii
import json
import re
import secrets
import time

from http_stand_in import Refusal, StandIn, main, new_id

KEY_SECONDS = 24 * 3600
KEY_CHARACTERS_MAX = 256


class ResendStandIn(StandIn):
    """Resend for tests."""

    settable = ("api_key",)

    def __init__(self, port=0, seed=1):
        super().__init__(port, seed)
        self.api_key = "re_" + secrets.token_urlsafe(24)
        self.keys = {}  # key → [kept until, payload, answer or None while it is being worked at]
        self.info |= {"api_key": self.api_key}

    def sends(self, method, path):
        return (method, path) == ("POST", "/emails")

    def age_keys(self, seconds):
        with self.lock:
            for kept in self.keys.values():
                kept[0] -= seconds

    def begin(self, handler, body):
        key = handler.headers.get("Idempotency-Key")
        with self.lock:
            if key is not None and self._kept(key) is None:
                self.keys[key] = [time.time() + KEY_SECONDS, json.loads(body), None]
                handler.began = True

    def accept(self, handler, body):
        self._authenticate(handler)
        key = handler.headers.get("Idempotency-Key")
        email = self._checked(body)
        if key is not None:
            if not 1 <= len(key) <= KEY_CHARACTERS_MAX:
                raise Refusal(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
            kept = self._kept(key)
            if kept is not None and not getattr(handler, "began", False):
                if kept[1] != email:
                    raise Refusal(409, "invalid_idempotent_request",
                                  "Same idempotency key used with a different request payload.")
                if kept[2] is None:
                    raise Refusal(409, "concurrent_idempotent_requests",
                                  "Same idempotency key used while original request is still in progress.")
                return 200, {"Content-Type": "application/json"}, kept[2], None
        message_id = new_id()
        answer = json.dumps({"id": message_id}).encode()
        handler.began = False
        if key is not None:
            self.keys[key] = [time.time() + KEY_SECONDS, email, answer]
        recipients = [address for kind in ("to", "cc", "bcc") for address in _list(email.get(kind))]
        entry = {"message_id": message_id, "email": email, "key": key, "recipients": recipients,
                 "at": time.time(), "search": json.dumps(email)}
        return 200, {"Content-Type": "application/json"}, answer, entry

    def refusal(self, refusal):
        text = json.dumps({"statusCode": refusal.status, "name": refusal.name, "message": refusal.message})
        return refusal.status, {"Content-Type": "application/json"}, text.encode()

    def _kept(self, key):
        kept = self.keys.get(key)
        return kept if kept is not None and kept[0] > time.time() else None

    def _authenticate(self, handler):
        if not handler.headers.get("User-Agent"):
            raise Refusal(403, "", "error code: 1010")
        authorization = handler.headers.get("Authorization", "")
        if not authorization:
            raise Refusal(401, "missing_api_key", "Missing API key in the authorization header.")
        if authorization != f"Bearer {self.api_key}":
            raise Refusal(401, "invalid_api_key", "API key is invalid.")

    @staticmethod
    def _checked(body):
        try:
            email = json.loads(body)
            if not isinstance(email, dict):
                raise ValueError("no object")
        except ValueError as error:
            raise Refusal(422, "validation_error", f"not JSON: {error}") from error
        for name in ("from", "to", "subject"):
            if name not in email:
                raise Refusal(422, "missing_required_field", f"Missing `{name}` field.")
        if "html" not in email and "text" not in email:
            raise Refusal(422, "missing_required_field", "Missing `html` or `text` field.")
        if not 1 <= len(_list(email["to"])) <= 50:
            raise Refusal(422, "validation_error", "`to` must have between 1 and 50 addresses.")
        for kind in ("from", "to", "cc", "bcc", "reply_to"):
            for mailbox in _list(email.get(kind)):
                if not re.fullmatch(r'([^<>]* <[^<>@\s]+@[^<>@\s]+>)|([^<>@\s]+@[^<>@\s]+)', mailbox):
                    raise Refusal(422, "validation_error", f"Invalid `{kind}` field.")
        for attachment in email.get("attachments", []):
            try:
                base64.b64decode(attachment["content"], validate=True)
                attachment["filename"].encode()
            except (KeyError, TypeError, AttributeError, binascii.Error) as error:
                raise Refusal(422, "invalid_attachment", f"{error!r}") from error
        return email


def _list(value):
    return [] if value is None else value if isinstance(value, list) else [value]


if __name__ == "__main__":
    main(ResendStandIn)

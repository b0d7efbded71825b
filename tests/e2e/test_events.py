"""Every type of event, from its cause to a webhook, and what tells of it."""

import json
import unittest

from support.client import draft, path_of
from support.event_types import contract_types, documented
from support.hooks import WebhookReceiver
from support.peers import SmtpSink, plain_relay
from support.scenario import AGENT, on_both_stores
from support.sender import ZONE, deliver, mail
from support.sns import SnsStandIn, ses_event
from support.waiting import eventually
from test_receive import Inbox

TYPES = contract_types() | {"email.unknown"}
WITHOUT_A_CAUSE = {one.type for one in documented() if not one.occurs}
HELD = "held@agents.localhost"


@on_both_stores
class EveryEvent(Inbox):
    def test_every_type_has_a_cause_that_tells_a_webhook_of_it(self):
        self.receiver = self.enterContext(WebhookReceiver())
        self.sns = self.enterContext(SnsStandIn())
        self.sink = self.enterContext(SmtpSink())
        hooks = self.receiver.settings()
        zone = hooks.pop("dns__local_data") + "\n" + ZONE
        del hooks["dns__timeout_ms"]  # that of the zone is the same
        self.start(zone, **{**plain_relay(self.sink.port), **self.sns.settings(), **hooks,
                            "webhooks__poll_interval_ms": 50, "dispatcher__lease_seconds": 1})
        made = self.account.ask(201, "POST", "/v1/webhooks", {
            "url": self.receiver.url("/ok"), "events": sorted(TYPES)}).json
        self.receiver.secrets.append(made["signing_secret"])
        self.account.create_agent(HELD)

        self.to_itself()
        self.reviewed()
        self.expired()
        self.fed_back()
        self.suppressed()
        self.from_outside()
        self.lost()

        eventually("every type has come", lambda: self.told() >= TYPES - WITHOUT_A_CAUSE)
        self.assertEqual(self.told(), TYPES - WITHOUT_A_CAUSE)
        for one in self.receiver.received:
            self.assertTrue(one.valid)
            envelope = json.loads(one.body)
            shown = self.account.ask(200, "GET", path_of("events", envelope["id"])).json
            self.assertEqual({name: shown[name] for name in envelope}, envelope)
        for kind in TYPES - WITHOUT_A_CAUSE:
            listed = self.account.ask(200, "GET", f"/v1/events?type={kind}").json["items"]
            self.assertTrue(listed and all(one["type"] == kind for one in listed), kind)

    def told(self):
        return {json.loads(one.body)["type"] for one in list(self.receiver.received)}

    def to_itself(self):
        self.account.send(AGENT, draft("To itself", AGENT), expected=200)

    def reviewed(self):
        self.account.hold_everything(HELD)
        self.account.approve(self.account.send(HELD, draft("Yes"))["message_id"])
        rejected = self.account.send(HELD, draft("No"))["message_id"]
        self.account.ask(200, "POST", path_of("reviews", rejected, "reject"), {})

    def expired(self):
        """The clock decides, and says that it was the clock."""
        self.account.hold_everything(HELD, ttl_seconds=1, on_expiry="reject")
        held = self.account.send(HELD, draft("Nobody looked"))["message_id"]
        [event] = eventually("the clock has decided", lambda: self.account.ask(
            200, "GET", f"/v1/events?type=email.review_rejected&message_id={held}").json["items"])
        self.assertTrue(event["data"]["auto_resolved"])

    def fed_back(self):
        for number, (kind, details) in enumerate((
                ("Delivery", {}), ("Bounce", {"bounceType": "Permanent", "bounceSubType": "General"}),
                ("Complaint", {"complaintFeedbackType": "abuse"}))):
            to = f"reader{number}@example.org"
            sent = self.account.send(AGENT, draft(kind, to))["message_id"]
            self.wait_for_delivery_status(self.account, sent, "sent")
            event = ses_event(kind, message_id=sent, recipients=(to,), **details)
            self.assertEqual(self.sns.deliver(self.server.url, self.sns.notification(event)), 200)

    def suppressed(self):
        self.account.ask(200, "POST", path_of("agents", AGENT, "suppressions"), {"address": "no@example.org"})

    def from_outside(self):
        for action in ("flag", "block", "review"):
            self.protect_inbound({"policy": "allowlist", "action": action, "allowlist": []})
            deliver(self.port, mail(f"To {action}", AGENT), [AGENT])
            eventually(f"{action} is told of", lambda action=action: f"To {action}" in [
                event["data"].get("subject") for event in self.account.ask(200, "GET", "/v1/events").json["items"]])
        # Released, it is announced by the review; contract §14 has no second announcement.
        [held] = [item for item in self.account.reviews() if item["subject"] == "To review"]
        self.account.ask(200, "POST", path_of("reviews", held["id"], "approve"), {})
        kinds = [event["type"] for event in self.account.ask(
            200, "GET", f"/v1/events?message_id={held['id']}").json["items"]]
        self.assertEqual(kinds, ["email.review_approved", "email.review_requested"])

    def lost(self):
        self.sink.lose_answers(1)
        sent = self.account.send(AGENT, draft("Lost"))["message_id"]
        self.wait_for_delivery_status(self.account, sent, "unknown")


if __name__ == "__main__":
    unittest.main()

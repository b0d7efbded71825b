"""/metrics: what Prometheus reads is well-formed, and counts what has happened."""

import re
import unittest

from support.client import Client, draft, path_of
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)?\}})? (\S+)\Z")


def parse(text):
    """The samples by name and labels, as the text exposition format 0.0.4 has them."""
    assert text.endswith("\n")
    types, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram") and name not in types, line
            types[name] = kind
        elif not line.startswith("#"):
            match = _SAMPLE.match(line)
            assert match, f"not a sample: {line!r}"
            name, labels, value = match.groups()
            family = re.sub(r"_(bucket|sum|count)\Z", "", name)
            assert name in types or types.get(family) == "histogram", f"no TYPE before {line!r}"
            key = (name, frozenset((labels or "").split(","))) if labels else (name, frozenset())
            assert key not in samples, f"twice: {line!r}"
            samples[key] = float(value)
    return samples


@on_both_stores
class Metrics:
    def read(self, server):
        answer = Client(server.url).request("GET", "/metrics")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        return parse(answer.body.decode())

    @staticmethod
    def value(samples, name, *labels):
        return samples.get((name, frozenset(labels)), 0)

    def test_it_counts_requests_holds_decisions_and_hand_overs(self):
        server = self.start_server()
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        kept, gone, sent = (account.send(AGENT, draft(subject))["message_id"] for subject in ("a", "b", "c"))
        account.ask(200, "POST", path_of("reviews", gone, "reject"), {})
        account.approve(sent)
        self.wait_for_delivery_status(account, sent, "sent")
        account.ask(404, "GET", path_of("agents", AGENT, "messages", "msg_" + "0" * 32))
        self.assertEqual(account.review(kept)["review_status"], "pending_review")

        def look():
            samples = self.read(server)
            return samples if self.value(samples, "countersign_holds_pending") == 1 else None
        samples = eventually("the gauges have been looked up", look)
        expected = [
            (3, "countersign_http_requests_total", 'operation="sendMessage"', 'status="202"'),
            (1, "countersign_http_requests_total", 'operation="getMessage"', 'status="404"'),
            (1, "countersign_reviews_resolved_total", 'outcome="approved"'),
            (1, "countersign_reviews_resolved_total", 'outcome="rejected"'),
            (1, "countersign_submissions_total", 'outcome="accepted"'),
            (0, "countersign_submissions_queued"),
        ]
        for count, name, *labels in expected:
            self.assertEqual(self.value(samples, name, *labels), count, (name, labels))
        self.assertEqual(self.value(samples, "countersign_http_request_seconds_count",
                                    'operation="sendMessage"'), 3)

    def test_no_client_can_make_up_series(self):
        server = self.start_server()
        self.open_account(server)
        for number in range(30):
            Client(server.url).request("GET", f"/v1/made-up-{number}")
        self.assertFalse([key for key in self.read(server) if "made-up" in str(key)])

    def test_it_can_be_turned_off(self):
        server = self.start_server(http__metrics="false")
        self.assertEqual(Client(server.url).request("GET", "/metrics").status, 404)


if __name__ == "__main__":
    unittest.main()

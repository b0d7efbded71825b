"""Webhooks against a receiver that knows the contract's signing rule and nothing else."""

import contextlib
import datetime
import itertools
import json
import threading
import unittest

from support.client import GONE, draft, path_of
from support.hooks import BadSignature, ChangingDns, WebhookReceiver, verify
from support.scenario import AGENT, on_both_stores, on_postgres
from support.waiting import eventually

# A lease that ends in the middle of a test would make two deliveries of one.
FAST = {"webhooks__poll_interval_ms": 50, "webhooks__retry_first_ms": 100, "webhooks__lease_seconds": 3600}


class Hooks:
    """A server, an agent, and a receiver."""

    def setUp(self):
        super().setUp()
        self.receiver = self.enterContext(WebhookReceiver())

    def start(self, *hosts, **settings):
        self.server = self.start_server(**{**FAST, **self.receiver.settings(*hosts), **settings})
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)

    def hook(self, path="/ok", host="a", events=("email.sent", "email.received"), **more):
        """A webhook whose secret the receiver knows."""
        body = {"url": self.receiver.url(path, host), "events": list(events), **more}
        made = self.account.ask(201, "POST", "/v1/webhooks", body).json
        self.receiver.secrets.append(made["signing_secret"])
        return made["id"]

    def send_to_self(self, subject="Note"):
        return self.account.send(AGENT, draft(subject, AGENT), expected=200)["message_id"]

    def events(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return self.account.ask(200, "GET", f"/v1/events?{query}").json["items"]

    def deliveries(self, hook, status=""):
        path = path_of("webhooks", hook, "deliveries") + f"?status={status}"
        return self.account.ask(200, "GET", path).json["items"]

    def attempts(self, hook):
        """The attempts of each delivery of the webhook."""
        return [self.account.ask(200, "GET", path_of("webhooks", hook, "deliveries", one["id"])).json["attempt_log"]
                for one in self.deliveries(hook)]

    def wait_until_delivered(self, hook, count):
        return eventually(f"{count} are delivered",
                          lambda: len(self.deliveries(hook, "delivered")) == count and self.deliveries(hook))

    def wait_until_all_are_delivered(self, hook, count):
        """The same for more than a page has."""
        rows = f"SELECT id FROM webhook_deliveries WHERE webhook_id = '{hook}' AND status = 'delivered'"
        eventually("all are delivered", lambda: len(self.store.rows(rows)) == count)

    def free_lanes(self):
        """Of those that died with them."""
        self.end_leases_of_the_dead("UPDATE webhook_lanes SET worker = '', lease_until_us = NULL WHERE worker <> ''")


@on_both_stores
class Webhooks(Hooks):
    def test_every_delivery_is_signed_and_holds_the_stored_event(self):
        self.start()
        hook = self.hook()
        self.send_to_self()
        self.wait_until_delivered(hook, 2)
        self.assertEqual(len(self.receiver.received), 2)
        for one in self.receiver.received:
            self.assertTrue(one.valid)
            envelope = json.loads(one.body)
            self.assertEqual(list(envelope), ["type", "id", "schema_version", "created_at", "data"])
            self.assertEqual(one.headers["Content-Type"], "application/json")
            self.assertEqual(one.headers["X-E2A-Event-Type"], envelope["type"])
            self.assertEqual(one.headers["X-E2A-Schema-Version"], "1")
            self.assertEqual(one.headers["User-Agent"], "e2a-webhooks/1")
            event = self.account.ask(200, "GET", path_of("events", envelope["id"])).json
            self.assertEqual((event["data"], event["created_at"]), (envelope["data"], envelope["created_at"]))
            self.assertEqual(event["status"], "processed")
            self.assertEqual(event["delivery_status"],
                             {"matched_webhooks": 1, "delivered": 1, "pending": 0, "failed": 0})
        shown = self.account.ask(200, "GET", path_of("webhooks", hook)).json
        self.assertIn("last_delivered_at", shown)
        self.assertNotIn("signing_secret", shown)

    def test_what_is_altered_old_or_foreign_is_refused(self):
        self.start()
        hook = self.hook()
        self.account.ask(200, "POST", path_of("webhooks", hook, "test"), {})
        self.wait_until_delivered(hook, 1)
        [one] = self.receiver.received
        header, secrets = one.headers["X-E2A-Signature"], self.receiver.secrets
        self.assertEqual(json.loads(one.body)["data"], {"test": True})
        verify(header, one.body, secrets)
        sent = int(header.split(",")[0][2:])
        verify(header, one.body, secrets, now=sent + 300)
        for body, known, now in ((one.body + b" ", secrets, None), (one.body, ["whsec_" + "0" * 64], None),
                                 (one.body, secrets, sent + 301)):
            with self.assertRaises(BadSignature):
                verify(header, body, known, now)

    def test_a_rotation_under_load_loses_nothing(self):
        self.start()
        hook = self.hook(events=["email.received"])
        sent, over = [], threading.Event()

        def send():
            while not over.is_set():
                sent.append(self.send_to_self(f"Note {len(sent)}"))

        def wait_for_more():
            seen = len(self.receiver.received)
            eventually("some more came", lambda: len(self.receiver.received) > seen)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            for _ in range(3):
                wait_for_more()
                made = self.account.ask(200, "POST", path_of("webhooks", hook, "rotate-secret")).json
                self.receiver.secrets = [made["signing_secret"]]  # the one before signs beside it
            wait_for_more()
        finally:
            over.set()
            sender.join()
        self.wait_until_all_are_delivered(hook, len(sent))
        self.assertEqual([one for one in self.receiver.received if len(one.headers["X-E2A-Signature"]) < 80], [])
        self.assertTrue(self.receiver.received[-1].valid)
        self.assertEqual(len(self.receiver.events("/ok")), len(sent))

    def test_bad_endpoints_hurt_nobody_else(self):
        bad = {"hang": ("/hang", "timeout"), "reset": ("/reset", "connection_lost"),
               "redirect": ("/redirect", "redirects are not followed"), "refuses": ("/status/503", "answered 503"),
               "name": ("/ok", "tls")}
        self.start("a", "b", "c", "d", "e", "f", dns__local_data="\n".join(
            [f"{host}.hooks.test. A 127.0.0.1" for host in "abcdef"] + ["other.example. A 127.0.0.1"]))
        hooks = {what: self.hook(path, "other.example" if what == "name" else host)
                 for (what, (path, _)), host in zip(bad.items(), "abcde")}
        flaky, stream = self.hook("/flaky/2", "b"), self.hook("/stream", "c")
        good = self.hook("/ok", "f")
        for i in range(5):
            self.send_to_self(f"Note {i}")
        self.wait_until_delivered(good, 10)
        self.wait_until_delivered(flaky, 10)
        self.wait_until_delivered(stream, 10)
        for log in self.attempts(flaky):
            self.assertEqual([one["status_code"] for one in log], [500, 500, 204])
        for bodies in self.receiver.events("/flaky/2").values():
            self.assertEqual(len(set(bodies)), 1, "the same bytes each time")
        for what in ("reset", "redirect", "refuses", "name"):
            self.assertIn(bad[what][1], self.error_of(hooks[what]))
        # Nothing followed the redirect, and nothing was told to whoever could not prove its name.
        delivered = {one["id"] for one in self.events() if one["type"].startswith("email.")}
        self.assertEqual(set(self.receiver.events("/ok")), delivered)
        self.assertEqual(len(self.receiver.of("/ok")), 10)
        # Who hangs is given up in the end, which would have met the others as well on a machine that is slow.
        self.server.kill9()
        self.free_lanes()
        self.server.settings["webhooks.timeout_ms"] = 2000
        self.server.restart()
        self.assertIn(bad["hang"][1], self.error_of(hooks["hang"]))

    def error_of(self, hook):
        """Why an attempt has failed."""
        tried = eventually("it was tried", lambda: [one for one in self.deliveries(hook) if one["attempts"]])
        return tried[0]["last_error"]

    def test_an_account_whose_endpoints_hang_leaves_room_for_others(self):
        self.start(webhooks__in_flight_max=4, webhooks__timeout_ms=3_600_000)
        hanging = [self.hook("/hang") for _ in range(6)]
        self.send_to_self()
        eventually("as many hang as may", lambda: len(self.receiver.of("/hang")) == 2)
        ada, self.account = self.account, self.open_account(self.server, "eve@example.com")
        self.account.create_agent("eve@agents.localhost")
        hook = self.hook("/ok", events=["email.received"])
        for i in range(10):
            self.account.send("eve@agents.localhost", draft(f"Note {i}", "eve@agents.localhost"), expected=200)
        self.wait_until_delivered(hook, 10)
        self.account = ada
        self.assertEqual([one for hook in hanging for one in self.deliveries(hook) if one["attempts"]], [],
                         "while those hung")
        self.receiver.release()

    def test_all_attempts_fail_and_a_redelivery_comes_with_the_same_id(self):
        self.start(webhooks__retry_first_ms=100)
        hook = self.hook("/flaky/1", events=["email.sent"])
        self.send_to_self()
        self.wait_until_delivered(hook, 1)
        [event] = self.events(type="email.sent")
        path = path_of("events", event["id"], "redeliver")
        answer = self.account.ask(202, "POST", path, {"webhook_id": hook}).json
        self.assertEqual(self.account.ask(202, "POST", path, {"webhook_id": hook}).json, answer)
        self.wait_until_delivered(hook, 2)
        self.assertNotEqual(*[one["id"] for one in self.deliveries(hook)])
        [bodies] = self.receiver.events("/flaky/1").values()
        self.assertEqual((len(bodies), len(set(bodies))), (3, 1))

    def test_a_name_that_turns_private_after_its_creation_is_not_followed(self):
        with ChangingDns("93.184.216.34") as dns:
            self.start(dns__servers=f"127.0.0.1@{dns.port}", dns__local_data="",
                       webhooks__allow_private_addresses="false")
            hook = self.hook("/ok", "rebinding.example", events=["email.sent"])
            for dns.address in ("127.0.0.1", "10.1.2.3", "169.254.169.254"):
                body = {"url": "https://rebinding.example/", "events": ["email.sent"]}
                refused = self.account.client.request("POST", "/v1/webhooks", body)
                self.assertEqual((refused.status, refused.code), (400, "invalid_webhook_url"))
            dns.address = "127.0.0.1"
            self.send_to_self()
            eventually("it was tried", lambda: any(one["attempts"] for one in self.deliveries(hook)))
            self.assertIn("not public", self.deliveries(hook)[0]["last_error"])
            self.assertEqual(self.deliveries(hook)[0]["last_status_code"], 0)
            self.assertEqual(self.receiver.received, [])

    def test_a_change_is_held_against_the_whole_webhook(self):
        with ChangingDns("93.184.216.34") as dns:
            self.start(dns__servers=f"127.0.0.1@{dns.port}", dns__local_data="",
                       webhooks__allow_private_addresses="false", webhooks__retry_first_ms=3_600_000)
            self.account.create_agent("other@agents.localhost")
            hook = self.hook("/ok", "moving.example", events=["email.sent"],
                             filters={"agent_emails": [AGENT, "other@agents.localhost"]})
            path = path_of("webhooks", hook)
            dns.address = "127.0.0.1"
            self.send_to_self()
            eventually("it was tried", lambda: any(one["attempts"] for one in self.deliveries(hook)))
            refused = self.account.client.request("PATCH", path, {"description": "New"})
            self.assertEqual((refused.status, refused.code), (400, "invalid_webhook_url"))
            self.account.ask(200, "PATCH", path, {})
            shown = self.account.ask(200, "PATCH", path, {"enabled": False}).json
            self.assertEqual((shown["enabled"], shown["description"]), (False, ""))
            refused = self.account.client.request("PATCH", path, {"enabled": True})
            self.assertEqual((refused.status, refused.code), (400, "invalid_webhook_url"))
            dns.address = "93.184.216.34"
            self.account.ask(200, "DELETE", path_of("agents", "other@agents.localhost") + "?confirm=DELETE")
            refused = self.account.client.request("PATCH", path, {"description": "New"})
            self.assertEqual((refused.status, refused.code), (400, "invalid_request"))
            self.account.ask(200, "PATCH", path, {"description": "New", "filters": {"agent_emails": [AGENT]}})

    def test_what_waits_for_a_disabled_webhook_is_put_off_without_an_attempt(self):
        self.start(webhooks__retry_first_ms=3_600_000)
        hook = self.hook("/status/500", events=["email.sent"])
        self.send_to_self()
        eventually("it was tried", lambda: any(one["attempts"] for one in self.deliveries(hook)))
        self.account.ask(200, "PATCH", path_of("webhooks", hook), {"enabled": False})
        self.store.execute("UPDATE webhook_deliveries SET due_at_us = due_at_us - 7200000000")
        [waiting] = self.deliveries(hook)
        self.assertEqual((waiting["status"], waiting["attempts"]), ("pending", 1))
        soonest = datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(soonest < datetime.datetime.fromisoformat(waiting["next_retry_at"].replace("Z", "+00:00"))
                        <= soonest + datetime.timedelta(hours=1))
        self.account.ask(200, "PATCH", path_of("webhooks", hook), {"enabled": True})
        eventually("it goes out at once", lambda: self.deliveries(hook)[0]["attempts"] == 2)

    def test_deleted_and_disabled_ones_are_left_alone(self):
        self.start()
        one, two = self.hook("/ok"), self.hook("/status/500")
        self.account.ask(200, "PATCH", path_of("webhooks", one), {"enabled": False})
        self.send_to_self()
        eventually("the other was tried", lambda: self.receiver.of("/status/500"))
        self.account.ask(200, "DELETE", path_of("webhooks", two) + "?confirm=DELETE")
        self.account.ask(404, "GET", path_of("webhooks", two, "deliveries"))
        self.assertEqual(self.deliveries(one), [])
        self.account.ask(409, "POST", path_of("webhooks", one, "test"), {})


# Where the way out may end; lint.fault_points compares.
STEPS = ("webhook.fan_out", "webhook.fan_out>store.commit", "webhook.fan_out>store.after_commit", "webhook.claim",
         "webhook.claim>store.after_commit", "courier.claimed", "courier.sending", "courier.answered",
         "webhook.record", "webhook.record>store.commit", "webhook.record>store.after_commit", "webhook.release")


class Crashes(Hooks):
    """Each event is for two subscribers."""

    PATHS = ("/ok/one", "/ok/two")

    def subscribe(self):
        for path in self.PATHS:
            self.hook(path)

    def assert_all_told_with_the_same_bytes(self):
        eventually("nothing waits", self.nothing_waits)
        stored = {one["id"]: one for one in self.all_events()}
        told = [self.receiver.events(path) for path in self.PATHS]
        for one in told:
            self.assertEqual(set(one), set(stored))
        for event, shown in stored.items():
            [body] = {body for one in told for body in one[event]}
            self.assertEqual(json.loads(body)["data"], shown["data"])
        self.assertEqual(self.store.rows("SELECT id FROM webhook_deliveries WHERE status <> 'delivered'"), [])

    def nothing_waits(self):
        return self.store.rows("SELECT id FROM webhook_deliveries WHERE status = 'pending' UNION ALL "
                               "SELECT id FROM events WHERE status = 'pending'") == []

    def all_events(self):
        found, cursor = [], ""
        while cursor is not None:
            page = self.account.ask(200, "GET", f"/v1/events?limit=100&cursor={cursor}").json
            found, cursor = found + page["items"], page["next_cursor"]
        return found


@on_both_stores
class WebhookCrash(Crashes):
    def test_killed_at_every_step_each_event_arrives_with_the_same_bytes(self):
        self.start()
        self.subscribe()
        self.server.stop()
        for step in STEPS:  # each finds what the one before left
            with self.subTest(step):
                self.server.restart(fault=f"{step}=kill")
                with contextlib.suppress(*GONE):  # the commit stands or not; the events with it
                    self.send_to_self(f"Killed at {step}")
                self.server.wait_until_killed()
                self.free_lanes()
        self.server.restart()
        self.assert_all_told_with_the_same_bytes()


@on_postgres
class WebhooksOnTwoNodes(Crashes):
    def start_two(self, **settings):
        self.start(**settings)
        (self.directory / "other").mkdir()
        self.other = self.start_server(name="other", directory=self.directory / "other",
                                       signing__secret=(self.directory / "secret").read_text().strip(),
                                       **{**FAST, **self.receiver.settings(), **settings})

    def at(self, server):
        self.account.client = self.account.client.at(server.url)

    def test_a_node_takes_over_what_another_one_died_with(self):
        self.start_two()
        hook = self.hook("/ok")
        for i in range(10):
            self.send_to_self(f"Note {i}")
        self.wait_until_delivered(hook, 20)
        self.assertEqual(len(self.receiver.of("/ok")), 20, "two nodes do not tell twice")
        self.other.stop()
        self.other.restart(fault="courier.sending=kill")
        self.server.kill9()
        self.free_lanes()
        self.at(self.other)
        with contextlib.suppress(*GONE):
            self.send_to_self("Once more")
        self.other.wait_until_killed()
        self.free_lanes()
        self.server.restart()
        self.at(self.server)
        self.wait_until_delivered(hook, 22)
        self.assertEqual(len(self.receiver.events("/ok")), 22)

    def test_killed_at_every_step_beside_another_node(self):
        self.start_two()
        self.subscribe()
        self.other.stop()
        for step in STEPS:
            with self.subTest(step):
                self.other.restart(fault=f"{step}=kill")
                turns = itertools.count()
                # Both nodes look for work, and the one that is to die has to find some.
                eventually(f"the other dies at {step}", lambda: self.has_died_of(step, next(turns)))
                self.other.wait_until_killed()
                self.free_lanes()
        self.other.restart()
        self.at(self.server)
        self.assert_all_told_with_the_same_bytes()

    def has_died_of(self, step, turn):
        """Whether the other one has, after one more note. A node lets go of a webhook when nothing waits for it."""
        self.at(self.other if turn % 2 else self.server)
        with contextlib.suppress(*GONE):
            self.send_to_self(f"{turn} while the other may die at {step}")
        eventually("nothing waits, or it is dead", lambda: not self.other.is_running or self.nothing_waits())
        return not self.other.is_running

    def test_a_rolling_restart_loses_and_doubles_nothing(self):
        self.start_two()
        hook = self.hook(events=["email.received"])
        clients = {server: self.account.client.at(server.url) for server in (self.server, self.other)}
        sent, failed, over = [], [], threading.Event()
        up = [self.server]

        def send():
            while not over.is_set():
                client = clients[up[0]]
                try:
                    answer = client.request("POST", path_of("agents", AGENT, "messages"),
                                            draft(f"Note {len(sent)}", AGENT))
                    (sent if answer.status == 200 else failed).append(answer)
                except GONE as error:
                    failed.append(error)

        sender = threading.Thread(target=send)
        sender.start()
        for staying, going in ((self.server, self.other), (self.other, self.server)) * 2:
            up[0] = staying
            seen = len(sent)
            eventually("the one that stays has the traffic", lambda seen=seen: len(sent) > seen + 5)
            going.stop()
            going.restart()
        over.set()
        sender.join()
        self.assertEqual(failed, [])
        self.wait_until_all_are_delivered(hook, len(sent))
        self.assertEqual(len(self.receiver.events("/ok")), len(sent))
        self.assertEqual(len(self.receiver.of("/ok")), len(sent), "each once")


if __name__ == "__main__":
    unittest.main()

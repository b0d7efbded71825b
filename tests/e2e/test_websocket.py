"""The WebSocket of an agent on one node: who is let in, what is told, how it ends, and what strangers may do."""

import json
import os
import threading
import unittest
import urllib.parse

from support.client import GONE, Client, draft, path_of
from support.scenario import AGENT, on_both_stores, on_sqlite
from support.sender import ZONE, deliver, mail, resolver
from support.waiting import eventually
from support.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, Refused, WebSocket, handshake,
                               ws_path)

OTHER = "eve@agents.localhost"
FAST = {"websocket__check_interval_ms": 50, "websocket__poll_interval_ms": 200}
REQUIRED = ("message_id", "agent_email", "direction", "header_from", "envelope_from", "authentication", "delivered_to",
            "subject", "received_at", "to", "cc", "reply_to", "verified_domain")
FORBIDDEN = ("body", "raw_message", "from", "auth", "auth_headers", "authenticated_from")


class Sockets:
    """A server, an account and an agent."""

    def start(self, **settings):
        self.server = self.start_server(**{**FAST, **resolver(ZONE), **settings})
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)

    def listen(self, agent=AGENT, *, key=None, server=None, **more):
        socket = WebSocket((server or self.server).url, agent, key or self.account.client.key, **more)
        self.addCleanup(socket.socket.close)
        return socket

    def refused(self, agent=AGENT, *, key=None, **more):
        with self.assertRaises(Refused) as caught:
            self.listen(agent, key=key, **more)
        return caught.exception.answer

    def send_to_self(self, subject="Note", agent=AGENT):
        return self.account.send(agent, draft(subject, agent), expected=200)["message_id"]

    def subjects(self, socket, count):
        return [event["data"]["subject"] for event in socket.events(count)]

    def listed(self, **filters):
        """The agent's events, oldest first."""
        items, cursor = [], None
        while True:
            query = urllib.parse.urlencode({**filters, "agent_email": AGENT, **({"cursor": cursor} if cursor else {})})
            page = self.account.ask(200, "GET", "/v1/events?" + query).json
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items[::-1]

    def fill(self, count, padding=""):
        """Puts `count` events of the agent into the log at once, past the server. Returns their ids, in order."""
        zeros = "evt_" + "0" * 25
        self.store.execute(
            f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO events "
            f"(id, user_id, type, agent_email, envelope, created_at_us, status) SELECT '{zeros}' || (i + 1000000), (SELECT "
            f"user_id FROM agents WHERE email = '{AGENT}'), 'email.sent', '{AGENT}', '{{\"type\":\"email.sent\",\"id\":\""
            f"{zeros}' || (i + 1000000) || '\",\"data\":\"{padding}\"}}', 1795435200000000, 'no_match' FROM n")
        return [f"{zeros}{i + 1_000_000}" for i in range(1, count + 1)]

    def unread(self):
        return len(self.account.messages(AGENT, read_status="unread", direction="inbound"))


@on_both_stores
class Websocket(Sockets):
    def test_who_may_not_listen_is_told_so_before_the_upgrade(self):
        self.start()
        self.account.create_agent(OTHER)
        stranger = self.open_account(self.server, "stranger@example.com")
        stranger.create_agent("stranger@agents.localhost")
        agent_key = self.account.agent_key(AGENT)
        revoked = self.account.ask(201, "POST", "/v1/account/api-keys", {"scope": "account"}).json
        self.account.ask(200, "DELETE", path_of("account", "api-keys", revoked["id"]) + "?confirm=DELETE")
        bodies = []
        for key, headers in ((None, {}), ("e2a_acct_" + "0" * 64, {}), ("nothing", {}), (revoked["key"], {}),
                             (None, {"Authorization": "NotBearer foo"}), (None, {"Authorization": ""}),
                             ("ate2a_token", {})):
            with self.assertRaises(Refused) as caught:
                WebSocket(self.server.url, AGENT, key, headers=headers)
            answer = caught.exception.answer
            self.assertEqual((answer.status, answer.code), (401, "unauthorized"))
            self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="e2a"')
            self.assertEqual(answer.headers["x-request-id"], answer.json["error"]["request_id"])
            bodies.append({**answer.json["error"], "request_id": ""})
        self.assertEqual(bodies, bodies[:1] * len(bodies))
        for agent, key, expected in ((OTHER, agent_key, 403), ("stranger@agents.localhost", agent_key, 404),
                                     ("stranger@agents.localhost", None, 404), ("nobody@agents.localhost", None, 404)):
            answer = self.refused(agent, key=key)
            self.assertEqual(answer.status, expected, answer)
            plain = Client(self.server.url, key or self.account.client.key).request("GET", ws_path(agent))
            self.assertEqual((plain.status, plain.code), (expected, answer.code), "as a plain GET is answered")
        self.assertEqual(self.refused(path=ws_path(AGENT) + "?token=" + self.account.client.key,
                                      omit=("Authorization",)).status, 401)
        self.account.ask(200, "DELETE", path_of("agents", OTHER) + "?confirm=DELETE")
        self.assertEqual(self.refused(OTHER).status, 404, "in the trash")
        self.listen(key=agent_key)

    def test_what_is_no_handshake_is_refused(self):
        self.start()
        for fields, omit, expected in (({}, ("Upgrade",), 426), ({}, ("Connection",), 426),
                                       ({"Upgrade": "h2c"}, (), 426), ({"Sec-WebSocket-Version": "8"}, (), 426),
                                       ({}, ("Sec-WebSocket-Version",), 426), ({}, ("Sec-WebSocket-Key",), 400),
                                       ({"Sec-WebSocket-Key": "short"}, (), 400),
                                       ({"Sec-WebSocket-Key": "x" * 24}, (), 400)):
            answer = self.refused(headers=fields, omit=omit)
            self.assertEqual(answer.status, expected, fields or omit)
            self.assertIn("error", answer.json)
            if expected == 426:
                self.assertEqual(answer.headers["sec-websocket-version"], "13")
        for after, status, code in (("evt_1", 400, "invalid_cursor"), ("evt_" + "0" * 32, 410, "gone")):
            answer = self.refused(after=after)
            self.assertEqual((answer.status, answer.code), (status, code))
        self.assertEqual(self.account.client.request("POST", ws_path(AGENT)).status, 405)
        # Noise instead of a request, after one, and half of one.
        request, _ = handshake(ws_path(AGENT), self.account.client.key)
        for noise in (os.urandom(200), request[:60], request + os.urandom(40), b"\x81\x05Hello" * 9,
                      request.replace(b"GET", b"G\0T"), request.replace(b"HTTP/1.1", b"HTTP/9.9")):
            self.assertNotIn(b" 101 ", self.account.client.talk(noise))
        self.assertEqual(self.refused("ada%2Fx@agents.localhost").status, 404)
        self.listen(path="/v1/agents/" + AGENT.upper() + "/ws")  # raw @, any case

    def test_unread_mail_is_told_at_connect_and_then_what_comes_in(self):
        self.start()
        for i in range(3):
            self.send_to_self(f"Note {i}")
        socket = self.listen()
        self.assertRegex(socket.answer.headers["x-request-id"], "req_[0-9a-f]{24}")
        frames = [socket.text() for _ in range(3)]
        events = [json.loads(frame) for frame in frames]
        self.assertEqual([event["data"]["subject"] for event in events], ["Note 0", "Note 1", "Note 2"])
        self.assertEqual(self.unread(), 3, "telling does not read")
        for event in events:
            self.assertEqual(list(event), ["type", "id", "schema_version", "created_at", "data"])
            self.assertEqual((event["type"], event["schema_version"]), ("email.received", "1"))
            for name in REQUIRED:
                self.assertIn(name, event["data"])
            for name in FORBIDDEN:
                self.assertNotIn(name, event["data"])
            logged = self.account.ask(200, "GET", path_of("events", event["id"])).json
            self.assertEqual((logged["data"], logged["created_at"]), (event["data"], event["created_at"]))
        self.send_to_self("Live")
        live = socket.text()
        self.assertEqual(json.loads(live)["data"]["subject"], "Live")
        self.assertTrue(socket.silent(), "sends are not told here")
        self.assertEqual(socket.close(), 1000)
        again = self.listen()
        self.assertEqual([again.text() for _ in range(4)], frames + [live], "the same bytes again")
        self.account.message(AGENT, events[0]["data"]["message_id"])  # reads it
        self.assertEqual(self.subjects(self.listen(), 3), ["Note 1", "Note 2", "Live"])

    def test_a_drain_holds_a_hundred(self):
        self.start()
        for i in range(103):
            self.send_to_self(f"Note {i}")
        socket = self.listen()
        self.assertEqual(self.subjects(socket, 100), [f"Note {i}" for i in range(100)])
        self.assertTrue(socket.silent())
        self.send_to_self("Next")
        self.assertEqual(self.subjects(socket, 1), ["Next"])

    def test_mail_that_comes_in_while_a_client_connects_is_told_once(self):
        self.start()
        sender = threading.Thread(target=lambda: [self.send_to_self(f"Note {i}") for i in range(60)])
        sender.start()
        for _ in range(4):
            socket = self.listen()
            told = [socket.event()]
        sender.join()
        told += socket.events(59)
        received = self.listed(type="email.received")
        self.assertEqual(sorted(event["id"] for event in told), sorted(event["id"] for event in received))
        self.assertTrue(socket.silent())

    def test_a_newer_connection_replaces_the_older_one(self):
        self.start()
        self.account.create_agent(OTHER)
        first, unconcerned = self.listen(), self.listen(OTHER)
        second = self.listen()
        self.assertEqual(first.closing(), (4000, "replaced"))
        third = self.listen(key=self.account.agent_key(AGENT))
        self.assertEqual(second.closing(), (4000, "replaced"))
        self.send_to_self()
        self.assertEqual(self.subjects(third, 1), ["Note"])
        self.assertTrue(unconcerned.silent(0.1))

    def gate(self, action):
        self.account.ask(200, "PUT", path_of("agents", AGENT, "protection"), {
            "inbound": {"gate": {"policy": "allowlist", "action": action, "allowlist": []}, "scan": {}},
            "outbound": {"gate": {}, "scan": {}}, "holds": {}})

    def test_an_agents_own_key_never_hears_of_mail_that_is_kept_from_it(self):
        self.start()
        start = self.listen(after="now")
        self.send_to_self()
        before = start.events(2)[-1]["id"]
        start.socket.close()
        for action in ("block", "review"):
            self.gate(action)
            self.receive(f"For {action}")
        held = eventually("it is held", self.account.reviews)[0]["id"]
        self.account.ask(200, "POST", path_of("reviews", held, "reject"), {"reason": "No"})
        kept = ["email.blocked", "email.review_requested", "email.review_rejected"]
        owner = self.listen(after=before)
        self.assertEqual([event["type"] for event in owner.events(3)], kept)
        agent = self.listen(after=before, key=self.account.agent_key(AGENT))
        self.assertTrue(agent.silent(0.1))
        self.receive("Released")
        held = eventually("it is held", self.account.reviews)[0]["id"]
        self.account.ask(200, "POST", path_of("reviews", held, "approve"), {})
        self.assertEqual(agent.event()["type"], "email.review_approved")

    def test_a_release_is_told_and_a_hold_is_not(self):
        self.start()
        self.gate("review")
        socket = self.listen()
        self.receive("Held")
        eventually("it is held", lambda: len(self.account.reviews()) == 1)
        self.assertTrue(socket.silent())
        self.account.ask(200, "POST", path_of("reviews", self.account.reviews()[0]["id"], "approve"), {})
        event = socket.event()
        self.assertEqual((event["type"], event["data"]["direction"]), ("email.review_approved", "inbound"))
        self.assertEqual(event["data"]["subject"], "Held")
        self.assertEqual(self.listen().event(), event, "it is unread, and told again")

    def receive(self, subject):
        port = eventually("it receives", lambda: self.server.log_events("node.receiving"))[0]["port"]
        deliver(port, mail(subject, AGENT), [AGENT])
        eventually("it was decided about", lambda: self.count("arrival_contents") == 0)

    def test_a_cursor_resumes_behind_an_event(self):
        self.start()
        socket = self.listen(after="oldest")
        for i in range(3):
            self.send_to_self(f"Note {i}")
        seen = socket.events(6)
        self.assertEqual({event["type"] for event in seen}, {"email.sent", "email.received"}, "all types")
        socket.socket.close()
        for i in range(3, 60):
            self.send_to_self(f"Note {i}")
        resumed = self.listen(after=seen[3]["id"])
        rest = resumed.events(2 * 60 - 4)
        self.assertEqual(rest[:2], seen[4:])
        log = self.listed()
        self.assertEqual({event["id"] for event in seen[:4] + rest}, {event["id"] for event in log})
        self.assertTrue(resumed.silent(0.1))
        self.send_to_self("Live")
        self.assertEqual({event["type"] for event in resumed.events(2)}, {"email.sent", "email.received"})
        from_now = self.listen(after="now")
        self.assertTrue(from_now.silent(0.1))
        self.send_to_self("Later")
        self.assertEqual(self.subjects(from_now, 2), ["Later", "Later"])

    def test_a_client_that_was_away_for_ten_thousand_events_misses_none(self):
        self.start()
        socket = self.listen(after="oldest")
        self.send_to_self()
        last = socket.events(2)[-1]["id"]
        socket.socket.close()
        missed = self.fill(10_000)
        resumed = self.listen(after=last)
        self.assertEqual([event["id"] for event in resumed.events(10_000)], missed)
        self.send_to_self("After all")
        self.assertEqual(self.subjects(resumed, 2), ["After all", "After all"])

    def test_a_node_that_is_killed_while_it_pushes_is_resumed_behind_what_came(self):
        self.start()
        before = self.listen(after="oldest")
        self.send_to_self("Before")
        seen = before.events(2)
        self.server.kill9()
        self.assertEqual(before.closing()[0], None)
        self.server.restart(fault="ws.push@4=kill")
        socket = self.listen(after=seen[-1]["id"])
        sent = 0
        try:
            while sent < 10:
                self.send_to_self(f"Note {sent}")
                sent += 1
        except GONE:
            pass  # however a dying server hangs up
        self.server.wait_until_killed()
        try:
            while True:
                seen.append(socket.event())
        except (Closed, OSError):
            pass
        self.assertEqual(len(seen), 5)
        self.server.restart()
        log = self.listed()
        resumed = self.listen(after=seen[-1]["id"])
        rest = resumed.events(len(log) - len(seen))
        self.assertEqual(sorted(event["id"] for event in seen + rest), sorted(event["id"] for event in log))
        self.assertTrue(resumed.silent(0.1))

    def test_a_node_that_is_killed_while_a_client_connects_is_connected_to_again(self):
        self.start()
        self.send_to_self()
        self.server.stop()
        self.server.restart(fault="ws.claimed=kill")
        with self.assertRaises((Closed, OSError)):
            self.listen()
        self.server.wait_until_killed()
        self.server.restart()
        self.assertEqual(self.subjects(self.listen(), 1), ["Note"])
        self.assertEqual(self.count("listeners"), 1)

    def test_stopping_says_goodbye(self):
        self.start()
        sockets = [self.listen(after="now"), self.listen(self.second_agent())]
        self.server.terminate()
        for socket in sockets:
            self.assertEqual(socket.closing(), (1001, "shutting_down"))
        self.assertEqual(self.server.wait_until_ended(), 0)
        self.assertEqual(self.server.log_events("node.stopped")[0]["clean"], "yes")
        self.assertEqual(self.count("listeners"), 0)

    def second_agent(self):
        self.account.create_agent(OTHER)
        return OTHER

    def test_who_may_not_listen_any_more_is_closed(self):
        self.start()
        key = self.account.ask(201, "POST", "/v1/account/api-keys", {"scope": "agent", "agent_email": AGENT}).json
        first, second = self.listen(key=key["key"]), self.listen(self.second_agent())
        self.account.ask(200, "DELETE", path_of("account", "api-keys", key["id"]) + "?confirm=DELETE")
        self.assertEqual(first.closing(), (1008, "forbidden"))
        self.account.ask(200, "DELETE", path_of("agents", OTHER) + "?confirm=DELETE")
        self.assertEqual(second.closing(), (1008, "forbidden"))
        third = self.listen()
        self.account.ask(200, "DELETE", path_of("agents", AGENT) + "?confirm=DELETE&permanent=true")
        self.assertEqual(third.closing(), (1008, "forbidden"))


@on_sqlite
class Clients(Sockets):
    """What a client may do; the store does not matter."""

    def test_pings_are_answered_and_their_absence_ends_the_connection(self):
        self.start(websocket__ping_interval_ms=200)
        socket = self.listen()

        def pinged_again():
            self.assertTrue(socket.silent())
            return socket.pings >= 2
        eventually("it is pinged, and again", pinged_again)
        socket.send(PING, b"are you there")
        while (frame := socket.frame())[0] != PONG:
            socket.send(PONG, frame[1])
        self.assertEqual(frame[1], b"are you there")
        socket.socket.close()
        self.server.stop()
        self.server.settings["websocket.pong_timeout_ms"] = 300
        self.server.restart()
        socket = self.listen()
        socket.answers_pings = False
        self.assertEqual(socket.closing(), (1001, "ping_timeout"))

    def test_what_clients_say_is_discarded(self):
        self.start(websocket__message_bytes_max=1000)
        socket = self.listen()
        socket.send(TEXT, b"hello")
        socket.send(BINARY, bytes(1000))
        socket.send(TEXT, b"in ", first=TEXT)
        socket.send(PING, b"between")
        socket.send(CONTINUATION, b"parts")
        self.assertEqual(socket.frame(), (PONG, b"between"))
        self.send_to_self()
        self.assertEqual(self.subjects(socket, 1), ["Note"])
        self.assertEqual(socket.close(), 1000)

    def test_malformed_frames_end_the_connection(self):
        self.start(websocket__message_bytes_max=1000)
        for what, misbehave, code in (
                ("not masked", lambda s: s.send(TEXT, b"x", masked=False), 1002),
                ("reserved bits", lambda s: s.send(TEXT, b"x", first=0xF1), 1002),
                ("unknown opcode", lambda s: s.send(3, b"x"), 1002),
                ("a long ping", lambda s: s.send(PING, bytes(126)), 1002),
                ("a ping in parts", lambda s: s.send(PING, b"x", first=PING), 1002),
                ("a continuation of nothing", lambda s: s.send(CONTINUATION, b"x"), 1002),
                ("a text within a text", lambda s: (s.send(TEXT, b"x", first=TEXT), s.send(TEXT, b"x")), 1002),
                ("no UTF-8", lambda s: s.send(TEXT, b"\xff\xfe"), 1007),
                ("too large", lambda s: s.send(TEXT, bytes(b"x" * 1001)), 1009),
                ("too large in parts", lambda s: [s.send(TEXT, b"x" * 600, first=TEXT), s.send(CONTINUATION, b"x" * 600)],
                 1009),
                ("a close code that is none", lambda s: s.send(CLOSE, b"\x00\x01"), 1002),
                ("half a close code", lambda s: s.send(CLOSE, b"\x03"), 1002)):
            with self.subTest(what):
                socket = self.listen()
                misbehave(socket)
                seen = socket.closing()[0]
                self.assertIn(seen, (code, 1002, None), what)
        for _ in range(20):
            socket = self.listen()
            socket.socket.sendall(os.urandom(300))
            socket.socket.close()
        self.send_to_self()
        self.assertEqual(self.subjects(self.listen(), 1), ["Note"])

    def test_a_client_that_talks_too_much_is_sent_away(self):
        self.start(websocket__frames_per_minute_max=50)
        for opcode in (TEXT, PING, PONG):
            socket = self.listen()
            try:
                for _ in range(200):
                    socket.send(opcode, b"x")
            except OSError:
                pass
            self.assertEqual(socket.closing(), (1008, "too_many_frames"))

    def test_long_messages_of_a_client_are_a_few_frames(self):
        self.start(websocket__frames_per_minute_max=500)
        with self.listen() as socket:
            for _ in range(5):
                socket.send(TEXT, b"x" * 60_000)
            self.send_to_self()
            self.assertEqual(self.subjects(socket, 1), ["Note"])

    def test_a_client_that_does_not_read_is_cut_off_and_goes_on_where_it_was(self):
        self.start(websocket__write_timeout_ms=700)
        self.account.create_agent(OTHER)
        slow = self.listen(after="oldest", receive_buffer=4096)
        other = self.listen(OTHER)
        all_of_them = self.fill(200, "s" * 4000)
        self.account.send(OTHER, draft("Meanwhile", OTHER), expected=200)
        self.assertEqual(self.subjects(other, 1), ["Meanwhile"])
        eventually("it is cut off", lambda: 'websocket_closed_total{reason="too_slow"} 1' in self.metrics())
        seen = []
        try:
            while True:
                seen.append(slow.event()["id"])
        except (Closed, OSError):
            pass
        self.assertEqual(seen, all_of_them[:len(seen)])
        self.assertTrue(0 < len(seen) < 200, seen)
        self.server.stop()
        self.server.settings["websocket.write_timeout_ms"] = 600_000
        self.server.restart()
        resumed = self.listen(after=seen[-1])
        self.assertEqual([event["id"] for event in resumed.events(200 - len(seen))], all_of_them[len(seen):])

    def wait_for_metric(self, line):
        eventually(line, lambda: line in self.metrics())

    def metrics(self):
        return Client(self.server.url).request("GET", "/metrics").body.decode()

    def test_connections_are_bounded_and_counted(self):
        self.start(websocket__connections_max=2)
        self.account.create_agent(OTHER)
        self.account.create_agent("third@agents.localhost")
        first = self.listen()
        self.listen(OTHER)
        answer = self.refused("third@agents.localhost")
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        self.wait_for_metric("countersign_websocket_connections 2")
        first.close()
        self.wait_for_metric("countersign_websocket_connections 1")
        self.wait_for_metric('countersign_websocket_closed_total{reason="client"} 1')
        third = self.listen("third@agents.localhost")
        self.send_to_self(agent="third@agents.localhost")
        third.event()
        self.wait_for_metric("countersign_websocket_events_total 1")


if __name__ == "__main__":
    unittest.main()

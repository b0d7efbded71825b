"""What independent client suites were seen to trip over (contract §2, §28–§32), over plain HTTP.

Needs no client package, so it runs with the other tests.
"""

import json
import re
import socket
import threading
import unittest
from datetime import datetime, timedelta, timezone

from exercise import ADA, BOB, Exercise, exercises
from support.client import Account, Client, draft, path_of
from support.waiting import eventually

# What `new Date()` of every engine reads: UTC with a Z, six digits (contract §5).
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_MESSAGES = path_of("agents", ADA, "messages")


def timestamps_in(value):
    """Every member that names a time, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from timestamps_in(item)
    if isinstance(value, dict):
        for name, item in value.items():
            if name.endswith("_at") and item is not None:
                yield item
            else:
                yield from timestamps_in(item)


class Traps(Exercise):
    def setUp(self):
        super().setUp()
        self.server, key = self.start_deployment()
        self.client = Client(self.server.url, key)
        self.account = Account(self.client)
        self.stranger = Client(self.server.url)

    def assert_refused(self, answer, status, code):
        """The envelope as clients take it apart: an object, three strings, JSON, and the id of the header."""
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        self.assertEqual(answer.headers["content-type"].partition(";")[0], "application/json")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        error = answer.json["error"]
        self.assertEqual(error["request_id"], answer.headers["x-request-id"])
        self.assertIsInstance(error["message"], str)

    def assert_readable(self, answer):
        """A success as the TypeScript client reads it: declared as JSON, every time a Date."""
        self.assertLess(answer.status, 300, answer)
        self.assertEqual(answer.headers["content-type"].partition(";")[0], "application/json")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        for time in timestamps_in(answer.json):
            self.assertRegex(time, _TIMESTAMP)
        return answer.json

    @exercises("health", "getInfo")
    def test_what_readiness_probes_and_doctor_look_at_needs_no_credential(self):
        for method in ("GET", "HEAD"):
            self.assertEqual(self.stranger.request(method, "/api/health").status, 200)
        info = self.assert_readable(self.stranger.request("GET", "/v1/info"))
        self.assertIsInstance(info["version"], str)
        self.assertEqual((info["shared_domain"], info["slug_registration_enabled"]), ("agents.e2a.dev", True))
        self.assert_refused(self.stranger.request("POST", "/v1/info", {}), 405, "method_not_allowed")

    @exercises("getAccount", "createApiKey", "deleteApiKey")
    def test_every_failed_credential_is_refused_with_the_same_words(self):
        revoked = self.account.ask(201, "POST", "/v1/account/api-keys", {}).json
        self.account.ask(200, "DELETE", path_of("account", "api-keys", revoked["id"]) + "?confirm=DELETE")
        soon = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
        expiring = self.account.ask(201, "POST", "/v1/account/api-keys", {"expires_at": soon}).json["key"]
        self.store.execute("UPDATE api_keys SET expires_at_us = 1 WHERE expires_at_us IS NOT NULL")
        eventually("the key expires",
                   lambda: Client(self.server.url, expiring).request("GET", "/v1/account").status == 401)
        credentials = [None, "NotBearer foo", "Bearer", "Bearer ", "Bearer foo", "Basic Zm9vOmJhcg==",
                       "Bearer e2a_acct_" + "0" * 64, f"Bearer {revoked['key']}", f"Bearer {expiring}",
                       f"Bearer {self.client.key} "[:-2], f"NotBearer {self.client.key}"]
        said = set()
        for credential in credentials:
            with self.subTest(credential=credential):
                headers = {} if credential is None else {"Authorization": credential}
                answer = self.stranger.request("GET", "/v1/account", headers=headers)
                self.assert_refused(answer, 401, "unauthorized")
                self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="e2a"')
                error = answer.json["error"]
                said.add(json.dumps({**error, "request_id": ""}))
        self.assertEqual(len(said), 1, said)
        query = f"/v1/account?api_key={self.client.key}&access_token={self.client.key}"
        self.assert_refused(self.stranger.request("GET", query), 401, "unauthorized")

    @exercises("getAccount")
    def test_the_scheme_of_the_credential_is_read_in_any_case_and_request_ids_are_echoed(self):
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = self.stranger.request("GET", "/v1/account", headers={
                "Authorization": f"{scheme} {self.client.key}", "X-Request-Id": "my id/1",
                "Content-Type": "application/json", "User-Agent": "OpenAPI-Generator/1.0.0/python",
                "Accept": "application/json, */*;q=0.8"})
            self.assert_readable(answer)
            self.assertEqual(answer.headers["x-request-id"], "my id/1")
        minted = self.stranger.request("GET", "/nowhere").headers["x-request-id"]
        self.assertRegex(minted, r"^req_[0-9a-f]{24}$")

    @exercises("getAccount")
    def test_every_limit_of_the_account_has_its_usage(self):
        view = self.assert_readable(self.client.request("GET", "/v1/account"))
        self.assertEqual({name.removeprefix("max_") for name in view["limits"]}, set(view["usage"]))
        for number in (*view["limits"].values(), *view["usage"].values()):
            self.assertIs(type(number), int)
        self.assertEqual(view["scope"], "account")
        self.assertNotIn("agent_email", view)

    @exercises("getAgent")
    def test_addresses_that_are_none_are_not_found_and_never_a_fault(self):
        for segment in ("not-an-email", "..%2F..%2Fetc%2Fpasswd", "a" * 2000 + "%40agents.e2a.dev", "%00",
                        "%ff", "a%0d%0ab%40agents.e2a.dev", "'%20OR%201=1--",
                        "%F0%9F%92%8C%40agents.e2a.dev"):
            with self.subTest(segment=segment[:40]):
                answer = self.client.request("GET", "/v1/agents/" + segment)
                self.assert_refused(answer, 404, "not_found")

    @exercises("listMessages")
    def test_known_paths_with_another_method_are_405_in_json(self):
        cases = [("POST", "/v1/info"), ("PUT", _MESSAGES), ("DELETE", _MESSAGES), ("PATCH", "/v1/reviews"),
                 ("DELETE", "/v1/account/api-keys"), ("POST", path_of("agents", ADA))]
        for method, path in cases:
            with self.subTest(method=method, path=path):
                answer = self.client.request(method, path, {})
                self.assert_refused(answer, 405, "method_not_allowed")
                self.assertTrue(answer.headers["allow"])
        for path in ("/v1", "/v1/", "/v1/nothing", "/v1/agents/a/b/c/d/e"):
            self.assert_refused(self.client.request("GET", path), 404, "not_found")

    @exercises("listAgents", "listMessages", "listReviews", "listApiKeys")
    def test_limits_and_cursors_that_make_no_sense_are_refused(self):
        self.account.create_agent(ADA)
        for path in ("/v1/agents", _MESSAGES, "/v1/reviews", "/v1/account/api-keys"):
            for limit in ("-5", "0", "101", "1000000", "abc", "1.0", "99999999999999999999"):
                with self.subTest(path=path, limit=limit):
                    answer = self.client.request("GET", f"{path}?limit={limit}")
                    self.assert_refused(answer, 422, "invalid_request")
                    self.assertEqual(answer.json["error"]["details"]["fields"][0]["location"], "query.limit")
            for cursor in ("bogus", "e30.AAAA", "a" * 5000):
                with self.subTest(path=path, cursor=cursor[:10]):
                    answer = self.client.request("GET", f"{path}?cursor={cursor}")
                    self.assert_refused(answer, 400, "invalid_cursor")

    @exercises("createAgent", "getAgent")
    def test_an_agent_is_its_address_in_either_spelling_of_the_path(self):
        answer = self.client.request("POST", "/v1/agents", {"email": " Ada@Agents.e2a.dev "})
        view = self.assert_readable(answer)
        self.assertEqual(set(view), {"email", "name", "domain", "registered_domain", "domain_verified",
                                     "created_at"})
        self.assertEqual((view["email"], view["domain_verified"]), (ADA, True))
        for spelling in (ADA, "ada%40agents.e2a.dev", "ADA%40Agents.E2A.dev", "%20ada%40agents.e2a.dev"):
            self.assertEqual(self.account.ask(200, "GET", "/v1/agents/" + spelling).json, view)

    @exercises("getAgent")
    def test_parallel_reads_of_an_agent_are_identical_to_the_byte(self):
        self.account.create_agent(ADA, "Ada <b>&</b>")
        bodies = []

        def read():
            bodies.append(self.account.ask(200, "GET", path_of("agents", ADA)).body)
        threads = [threading.Thread(target=read) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(bodies), len(set(bodies))), (16, 1))

    @exercises("createAgent", "deleteAgent")
    def test_parallel_creates_and_deletes_have_one_winner(self):
        def at_once(*request):
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(self.client.request(*request)))
                       for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return sorted(answer.status for answer in answers)
        self.assertEqual(at_once("POST", "/v1/agents", {"email": ADA}), [201] + [409] * 7)
        self.assertEqual(at_once("DELETE", path_of("agents", ADA) + "?confirm=DELETE"), [200] + [404] * 7)

    @exercises("deleteAgent", "listAgents", "restoreAgent")
    def test_a_deleted_agent_leaves_the_list_empty_and_its_receipt_is_exact(self):
        self.account.create_agent(ADA)
        path = path_of("agents", ADA)
        self.assert_refused(self.stranger.request("DELETE", path), 422, "invalid_request")
        self.assert_refused(self.client.request("DELETE", path + "?confirm=delete"), 422, "invalid_request")
        self.assert_refused(self.stranger.request("DELETE", path + "?confirm=DELETE"), 401, "unauthorized")
        receipt = self.account.ask(200, "DELETE", path + "?confirm=DELETE").json
        self.assertEqual(receipt, {"deleted": True, "email": ADA, "messages_deleted": 0})
        self.assertEqual(self.account.ask(200, "GET", "/v1/agents").json, {"items": [], "next_cursor": None})
        self.assert_refused(self.client.request("DELETE", path + "?confirm=DELETE"), 404, "not_found")
        answer = self.client.request("POST", "/v1/agents", {"email": ADA})
        self.assert_refused(answer, 409, "address_in_trash")
        self.assertIn("deleted_at", self.account.ask(200, "GET", "/v1/agents?deleted=true").json["items"][0])
        self.assertNotIn("deleted_at", self.account.ask(200, "POST", path + "/restore").json)
        self.assert_refused(self.client.request("POST", path + "/restore", {}), 409, "not_in_trash")

    @exercises("createAgent", "sendMessage")
    def test_bodies_are_judged_before_the_caller_is(self):
        cases = [(b"{", 400), (b"", 400), ({}, 422), ({"email": 7}, 422), (b"[]", 422), (b'"text"', 422),
                 ({"email": "x@y", "nonsense": 1}, 422)]
        for body, status in cases:
            with self.subTest(body=body):
                answer = self.stranger.request("POST", "/v1/agents", body)
                self.assert_refused(answer, status, "invalid_request")
        self.assert_refused(self.stranger.request("POST", "/v1/agents", {"email": ADA}), 401, "unauthorized")
        wrong = self.stranger.request("POST", "/v1/agents", b"<xml/>", headers={"Content-Type": "text/xml"})
        self.assert_refused(wrong, 415, "unsupported_media_type")
        for media_type in ("application/json; charset=utf-8", "application/vnd.api+json"):
            headers = {"Content-Type": media_type}
            answer = self.stranger.request("POST", "/v1/agents", {"email": ADA}, headers=headers)
            self.assert_refused(answer, 401, "unauthorized")
        large = json.dumps({"email": ADA, "name": "n" * (1 << 20)}).encode()
        answer = self.stranger.request("POST", "/v1/agents", large)
        self.assert_refused(answer, 413, "payload_too_large")
        self.assertEqual(answer.json["error"]["details"], {
            "scope": "request_body", "actual_bytes": len(large), "max_bytes": 1 << 20})

    @exercises("sendMessage")
    def test_what_only_newer_clients_ask_for_is_refused_and_not_left_out(self):
        self.account.create_agent(ADA)
        later = {**draft("Not before tomorrow"), "send_at": "2030-01-01T00:00:00Z"}
        self.assert_refused(self.client.request("POST", _MESSAGES, later), 422, "invalid_request")
        self.assertEqual(self.account.messages(ADA, direction="all"), [])

    @exercises("getAgentProtection", "putAgentProtection")
    def test_whatever_the_protection_is_read_as_can_be_written_back(self):
        self.account.create_agent(ADA)
        path = path_of("agents", ADA, "protection")
        scan = {"sensitivity": "off"}
        inbound_gate = {"policy": "domain", "allowlist": ["b.example"], "action": "block"}
        outbound_gate = {"policy": "allowlist", "allowlist": ["a@b.example"], "action": "review"}
        written = {"inbound": {"gate": inbound_gate, "scan": scan},
                   "outbound": {"gate": outbound_gate, "scan": scan},
                   "holds": {"ttl_seconds": 60, "on_expiry": "approve", "suppress_notifications": True}}
        empty = {"inbound": {"gate": {}, "scan": {}}, "outbound": {"gate": {}, "scan": {}}, "holds": {}}
        for config in (self.account.ask(200, "GET", path).json, written, empty):
            read = self.account.ask(200, "PUT", path, config).json
            self.assertEqual(self.account.ask(200, "PUT", path, read).json, read)
            self.assertEqual(self.account.ask(200, "GET", path).json, read)
        self.assertEqual(self.account.ask(200, "PUT", path, written).json, written)
        for member in written:
            incomplete = {name: value for name, value in written.items() if name != member}
            self.assert_refused(self.client.request("PUT", path, incomplete), 422, "invalid_request")

    @exercises("sendMessage", "getMessage", "listMessages", "updateMessage")
    def test_a_self_send_is_there_at_once_and_is_read_once(self):
        self.account.create_agent(ADA)
        answer = self.client.request("POST", _MESSAGES, draft("To myself", to=ADA, conversation_id="conv-1"))
        self.assertEqual(answer.status, 200)
        sent = self.assert_readable(answer)
        self.assertEqual({name: sent[name] for name in sent if name != "message_id"},
                         {"status": "sent", "sent_as": "own_address", "method": "loopback"})
        answer = self.client.request("GET", _MESSAGES + "?sort=asc&read_status=all")
        listed = self.assert_readable(answer)["items"]
        self.assertEqual([(row["read_status"], row["header_from"]) for row in listed], [("unread", ADA)])
        self.assertIsInstance(listed[0]["labels"], list)
        path = path_of("agents", ADA, "messages", listed[0]["id"])
        labels = self.account.ask(200, "PATCH", path, {"add_labels": ["Urgent", "follow-up"]}).json
        self.assertEqual(labels, {"message_id": listed[0]["id"], "labels": ["follow-up", "urgent"]})
        found = self.account.ask(200, "GET", _MESSAGES + "?labels=urgent,follow-up&labels=nothing").json
        self.assertEqual([row["id"] for row in found["items"]], [listed[0]["id"]])
        view = self.assert_readable(self.client.request("GET", path))
        self.assertEqual(view["read_status"], "read")
        self.assertIn("The text of To myself.", view["parsed"]["text"])
        self.assertEqual(view["conversation_id"], "conv-1")
        self.assertEqual((view["authentication"], view["envelope_from"]), (None, None))
        for member in ("to", "cc", "reply_to", "labels", "attachments"):
            self.assertIsInstance(view[member], list, member)
        self.assertEqual(self.account.ask(200, "GET", _MESSAGES).json["items"], [])
        outbound = self.account.ask(200, "GET", path_of("agents", ADA, "messages", sent["message_id"])).json
        self.assertEqual((outbound["delivery_status"], outbound["review_status"]), ("sent", "sent"))

    @exercises("sendMessage", "getMessage", "getMessageLifecycle", "listMessages", "listReviews",
               "deleteMessage")
    def test_a_held_draft_looks_as_suites_expect_it(self):
        self.account.create_agent(ADA)
        self.account.send(ADA, draft("Before", to=ADA), expected=200)
        self.account.hold_everything(ADA)
        attachment = {"filename": "a.txt", "content_type": "text/plain", "data": "aGVsbG8="}
        body = draft("Held", attachments=[attachment])
        first = self.account.send(ADA, body, key="a-key")
        self.assertEqual(set(first), {"status", "message_id", "approval_expires_at"})
        self.assertEqual(self.account.send(ADA, body, key="a-key"), first)
        path = path_of("agents", ADA, "messages", first["message_id"])
        view = self.assert_readable(self.client.request("GET", path))
        self.assertEqual((view["attachments"], view["raw_message"]), ([], None))
        self.assertEqual(view["review_status"], "pending_review")
        self.assertEqual(view["body"], {"text": body["text"]})
        self.assertNotIn("delivery_status", view)
        rows = self.assert_readable(self.client.request("GET", path + "/lifecycle"))["items"]
        reasons = {row["reason_code"] for row in rows}
        self.assertEqual(reasons, {"acceptance.outbound_api", "review.hold_created"})
        self.assertEqual((len(rows), len({row["occurred_at"] for row in rows})), (2, 1))
        newest = self.account.ask(200, "GET", _MESSAGES + "?direction=all").json["items"][0]
        self.assertEqual((newest["id"], newest["review_status"]), (first["message_id"], "pending_review"))
        self.account.send(ADA, draft("Held too"))
        answer = self.client.request("GET", "/v1/reviews?limit=1&unknown=x&status=pending")
        page = self.assert_readable(answer)
        self.assertEqual((len(page["items"]), page["items"][0]["subject"]), (1, "Held too"))
        self.assertTrue(page["next_cursor"])
        self.assert_refused(self.client.request("DELETE", path + "?confirm=DELETE"), 409, "message_held")

    @exercises("approveReview", "rejectReview", "getReview")
    def test_a_review_is_decided_once(self):
        self.account.create_agent(ADA)
        self.account.hold_everything(ADA)
        held = [self.account.send(ADA, draft(f"Held {n}"))["message_id"] for n in range(2)]
        for unknown in ({"body": "x"}, {"subject": 1}):
            answer = self.client.request("POST", path_of("reviews", held[0], "approve"), unknown)
            self.assert_refused(answer, 422, "invalid_request")
        approved = self.account.approve(held[0], {"subject": "Edited", "cc": [], "attachments": []}, key="k")
        self.assertEqual({**approved, "message_id": None, "sent_as": None},
                         {"status": "accepted", "message_id": None, "method": "smtp", "sent_as": None,
                          "edited": True})
        rejected = self.account.ask(200, "POST", path_of("reviews", held[1], "reject"), {}).json
        self.assertEqual(rejected, {"status": "review_rejected", "message_id": held[1]})
        for message_id in held:
            for decision in ("approve", "reject"):
                answer = self.client.request("POST", path_of("reviews", message_id, decision), {})
                self.assert_refused(answer, 409, "message_not_pending")
            self.assert_readable(self.client.request("GET", path_of("reviews", message_id)))
        self.assertEqual(self.account.reviews(), [])
        self.wait_until_settled()

    @exercises("deleteMessage", "restoreMessage")
    def test_a_trashed_message_has_an_exact_receipt_and_can_be_trashed_again(self):
        self.account.create_agent(ADA)
        message_id = self.account.send(ADA, draft("To myself", to=ADA), expected=200)["message_id"]
        path = path_of("agents", ADA, "messages", message_id)
        for query in ("?confirm=DELETE", "", "?confirm=anything"):
            receipt = self.account.ask(200, "DELETE", path + query).json
            self.assertEqual(receipt, {"deleted": True, "id": message_id})
        self.assertIn("deleted_at", self.account.ask(200, "GET", path).json)
        self.assertNotIn("deleted_at", self.account.ask(200, "POST", path + "/restore").json)
        self.assert_refused(self.client.request("POST", path + "/restore", {}), 409, "not_in_trash")
        answer = self.stranger.request("DELETE", path + "?permanent=true")
        self.assert_refused(answer, 422, "invalid_request")
        self.assertEqual(answer.json["error"]["details"]["fields"][0]["location"], "query.confirm")
        answer = self.client.request("DELETE", path + "?permanent=true&confirm=DELETE")
        self.assert_refused(answer, 409, "not_in_trash")

    @exercises("getAccount", "listReviews", "sendMessage")
    def test_an_agent_credential_sees_its_own_address_only(self):
        self.account.create_agent(ADA)
        self.account.create_agent(BOB)
        agent = Client(self.server.url, self.account.agent_key(ADA))
        account = agent.request("GET", "/v1/account").json
        self.assertEqual((account["scope"], account["agent_email"]), ("agent", ADA))
        for method, path in (("GET", "/v1/agents"), ("GET", "/v1/reviews"), ("GET", "/v1/account/api-keys"),
                             ("GET", path_of("agents", ADA, "protection")), ("GET", path_of("agents", BOB)),
                             ("GET", path_of("agents", BOB, "messages"))):
            with self.subTest(path=path):
                self.assert_refused(agent.request(method, path), 403, "forbidden")
        self.assert_refused(agent.request("GET", path_of("agents", "eve@agents.e2a.dev")), 404, "not_found")
        self.assertEqual(agent.request("POST", _MESSAGES, draft("Mine", to=ADA)).status, 200)


class Limits(Exercise):
    @exercises("createAgent", "listMessages", "sendMessage")
    def test_every_429_says_when_to_come_back(self):
        server, key = self.start_deployment(rate_limits__poll_per_minute=2, rate_limits__send_per_minute=1,
                                            rate_limits__registration_per_hour=1)
        client = Client(server.url, key)
        Account(client).create_agent(ADA)
        cases = [("POST", "/v1/agents", {"email": BOB}, True), ("GET", _MESSAGES, None, True),
                 ("POST", _MESSAGES, draft("To myself", to=ADA), False)]
        for method, path, body, has_headers in cases:
            with self.subTest(method=method, path=path):
                answer = eventually("the limit is met", lambda request=(method, path, body): next(
                    (answer for answer in [client.request(*request)] if answer.status == 429), None))
                self.assertEqual(answer.code, "rate_limited")
                seconds = answer.json["error"]["details"]["retry_after_seconds"]
                self.assertGreaterEqual(seconds, 1)
                self.assertEqual(answer.headers["retry-after"], str(seconds))
                for name in ("limit", "remaining", "reset"):
                    self.assertEqual(answer.headers.get(f"ratelimit-{name}", "").isdigit(), has_headers, name)


    @exercises("createAgent", "listMessages", "getMessage")
    def test_limited_operations_show_the_limit_on_every_answer(self):
        server, key = self.start_deployment()
        known, stranger = Client(server.url, key), Client(server.url)
        message = path_of("agents", ADA, "messages", "msg_" + "0" * 32)
        ada = {"email": ADA}
        cases = [(known, "POST", "/v1/agents", ada, 201), (known, "POST", "/v1/agents", ada, 409),
                 (known, "POST", "/v1/agents", {}, 422), (stranger, "POST", "/v1/agents", ada, 401),
                 (known, "GET", _MESSAGES, None, 200), (known, "GET", _MESSAGES + "?limit=0", None, 422),
                 (stranger, "GET", _MESSAGES, None, 401), (known, "GET", message, None, 404)]
        for client, method, path, body, status in cases:
            with self.subTest(method=method, path=path, status=status):
                answer = client.request(method, path, body)
                self.assertEqual(answer.status, status, answer)
                for name in ("limit", "remaining", "reset"):
                    self.assertTrue(answer.headers[f"ratelimit-{name}"].isdigit(), name)


class SlowRelay(Exercise):
    @exercises("sendMessage")
    def test_mail_for_the_world_is_accepted_while_the_relay_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as relay:
            server, key = self.start_deployment(smtp__host="127.0.0.1", smtp__port=relay.getsockname()[1],
                                                smtp__tls="none", smtp__command_timeout_ms=500)
            server.expect_errors("dispatcher.provider_unavailable")
            account = Account(Client(server.url, key))
            account.create_agent(ADA)
            accepted = account.send(ADA, draft("For the world"))
            self.assertEqual(set(accepted), {"status", "message_id", "method"})
            self.assertEqual((accepted["status"], accepted["method"]), ("accepted", "smtp"))
            view = account.message(ADA, accepted["message_id"])
            self.assertIn(view["delivery_status"], ("accepted", "sending"))


del Exercise  # a frame, no test of its own

if __name__ == "__main__":
    unittest.main()

"""What clients must not be able to do, over real connections: each gets its error, and nothing is stored."""

import base64
import json
import unittest

from support.client import Client, draft, path_of, read_to_end
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

SEND = path_of("agents", AGENT, "messages")
MIB = 1024 * 1024


def attachment(data, filename="a.bin"):
    return {"filename": filename, "content_type": "application/octet-stream",
            "data": base64.b64encode(data).decode()}


@on_both_stores
class BadInput:
    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)
        self.client = self.account.client

    def assert_refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        self.assertEqual(answer.json["error"]["request_id"], answer.headers["x-request-id"])
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/json")

    def assert_nothing_stored(self):
        for table in ("messages", "submissions"):
            self.assertEqual(self.count(table), 0, table)
        self.assertEqual(self.server.maildir.mails(), [])

    def test_drafts_that_cannot_be_sent(self):
        good = draft("Subject")
        cases = [
            (b"", 400, "invalid_request"),
            (b'{"to": [', 400, "invalid_request"),
            (b'{"to": ["a@b.example"], "subject": "\xff\xfe", "text": "t"}', 400, "invalid_request"),
            (b"[" * 100_000, 400, "invalid_request"),
            (b"[]", 422, "invalid_request"),
            ({**good, "to": "someone@example.org"}, 422, "invalid_request"),
            ({**good, "subject": 7}, 422, "invalid_request"),
            ({**good, "body": "no such member"}, 422, "invalid_request"),
            ({**good, "subject": "A\r\nBcc: victim@example.org"}, 400, "invalid_request"),
            ({**good, "to": ["nobody"]}, 400, "invalid_recipient"),
            ({**good, "to": ["Eve\r\nBcc: x@example.org <eve@example.org>"]}, 400, "invalid_recipient"),
            ({**good, "reply_to": "a@example.org\r\nX-Evil: 1"}, 400, "invalid_request"),
            ({**good, "to": [f"r{n}@example.org" for n in range(51)]}, 400, "too_many_recipients"),
            ({**good, "attachments": [{**attachment(b""), "data": "%%%"}]}, 400, "invalid_attachment"),
            ({**good, "attachments": [attachment(b"x")] * 11}, 400, "invalid_request"),
            ({**good, "attachments": [attachment(bytes(10 * MIB + 1))]}, 413, "payload_too_large"),
            ({**good, "attachments": [attachment(bytes(6 * MIB))] * 2}, 413, "payload_too_large"),
            ({**good, "text": "x" * (MIB + 1)}, 422, "invalid_request"),
        ]
        for body, status, code in cases:
            with self.subTest(body=str(body)[:80]):
                self.assert_refused(self.client.request("POST", SEND, body), status, code)
        self.assert_nothing_stored()

    def test_header_injection_through_names_ends_in_one_harmless_header(self):
        self.account.ask(200, "PATCH", path_of("agents", AGENT), {"name": "Eve\r\nBcc: victim@example.org"})
        body = draft("Injected", attachments=[attachment(b"data", 'a"\r\nX-Evil: 1\r\n\r\n.txt')])
        answer = self.client.request("POST", SEND, body)
        if answer.status != 202:
            self.assertIn(answer.code, ("invalid_request", "invalid_attachment"))
            self.assert_nothing_stored()
            return
        mail = eventually("the mail arrives", self.server.maildir.mails)[0]
        self.assertIsNone(mail["Bcc"])
        self.assertIsNone(mail["X-Evil"])
        self.assertNotIn(b"\nX-Evil", mail.raw)
        self.assertEqual([data for _, data in mail.attachments], [b"data"])

    def test_a_body_over_the_budget_is_refused_before_it_is_read(self):
        for path, max_bytes in ((SEND, 40 * MIB), ("/v1/agents", MIB)):
            with self.subTest(path=path), self.client.open_socket() as connection:
                connection.sendall(self.client.raw("POST", path, b"{}").replace(
                    b"Content-Length: 2", f"Content-Length: {max_bytes + 1}".encode()))
                answer = read_to_end(connection)
                self.assertIn(b" 413 ", answer.split(b"\r\n")[0])
                error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
                self.assertEqual(error["code"], "payload_too_large")
                self.assertEqual(error["details"]["max_bytes"], max_bytes)
        self.assert_nothing_stored()

    def test_the_largest_mail_that_is_allowed_goes_through(self):
        data = bytes(10 * MIB - 1000)
        message_id = self.account.send(AGENT, draft("Large", attachments=[attachment(data)]))["message_id"]
        self.wait_for_delivery_status(self.account, message_id, "sent")
        self.assertEqual(self.server.maildir.mails()[0].attachments, [("a.bin", data)])

    def test_callers_without_the_right_to_send(self):
        agent_client = Client(self.server.url, self.account.agent_key(AGENT))
        self.account.create_agent("second@agents.localhost")
        stranger = self.open_account(self.server, "stranger@example.com")
        cases = [
            (Client(self.server.url), SEND, 401, "unauthorized"),
            (Client(self.server.url, "e2a_acct_" + "0" * 64), SEND, 401, "unauthorized"),
            (Client(self.server.url, "nonsense"), SEND, 401, "unauthorized"),
            (agent_client, path_of("agents", "second@agents.localhost", "messages"), 403, "forbidden"),
            (stranger.client, SEND, 404, "not_found"),
            (self.client, path_of("agents", "nobody@agents.localhost", "messages"), 404, "not_found"),
            (self.client, "/v1/agents/..%2F..%2Fetc%2Fpasswd/messages", 404, "not_found"),
        ]
        for client, path, status, code in cases:
            with self.subTest(path=path, code=code):
                self.assert_refused(client.request("POST", path, draft("Not mine")), status, code)
        self.assert_nothing_stored()

    def test_reviews_of_others_cannot_be_seen_or_decided(self):
        self.account.hold_everything(AGENT)
        message_id = self.account.send(AGENT, draft("Private"))["message_id"]
        stranger = self.open_account(self.server, "stranger@example.com")
        self.assertEqual(stranger.reviews(), [])
        for method, *rest in (("GET",), ("POST", "approve"), ("POST", "reject")):
            answer = stranger.client.request(method, path_of("reviews", message_id, *rest),
                                             {} if method == "POST" else None)
            self.assert_refused(answer, 404, "not_found")
        self.assertEqual(self.account.review(message_id)["review_status"], "pending_review")

    def test_bytes_that_are_not_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
                     b"EHLO mail.example.org\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 10_000,
                     b"POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"GET /v1/info HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"):
            with self.subTest(data=data[:40]):
                answer = self.client.talk(data)
                self.assertRegex(answer[:12], rb"^(HTTP/1\.1 [45]\d\d)?$")
        self.assertTrue(self.server.is_ready())

    def test_clients_that_dawdle_do_not_keep_others_waiting(self):
        slow = [self.client.open_socket() for _ in range(200)]
        try:
            for connection in slow:
                connection.sendall(b"POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Le")
            message_id = self.account.send(AGENT, draft("Between them"))["message_id"]
            self.wait_for_delivery_status(self.account, message_id, "sent")
        finally:
            for connection in slow:
                connection.close()


if __name__ == "__main__":
    unittest.main()

"""An agent's mail is held, countersigned and delivered: by curl, into the Maildir of the embedded default."""

import base64
import json
import re
import unittest

from support.client import curl, draft, path_of
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

# All 256 bytes, and a line that begins with a dot.
PDF = bytes(range(256)) + b"\r\n.\r\n%PDF" * 500


@on_both_stores
class FirstLight:
    def curl_json(self, key, method, url, body=None):
        arguments = ["--request", method, url, "--header", f"Authorization: Bearer {key}"]
        if body is None:
            return curl(*arguments)
        return curl(*arguments, "--json", "@-", stdin=json.dumps(body))

    def test_a_held_mail_arrives_as_edited_with_its_attachment_intact(self):
        server = self.start_server(log__format="text")
        account = self.open_account(server)
        account.create_agent(AGENT, "Ada's agent")
        account.hold_everything(AGENT)
        agent_key = account.agent_key(AGENT)

        sent = self.curl_json(agent_key, "POST", server.url + path_of("agents", AGENT, "messages"), {
            "to": ["Grace <grace@example.org>"], "subject": "A first draft", "text": "Grüße, 世界.\n",
            "html": "<p>Grüße</p>",
            "attachments": [{"filename": "Rechnung März.pdf", "content_type": "application/pdf",
                             "data": base64.b64encode(PDF).decode()}]})
        self.assertEqual((sent.status, sent.json["status"]), (202, "pending_review"), sent)
        message_id = sent.json["message_id"]

        listed = self.curl_json(account.client.key, "GET", server.url + "/v1/reviews")
        self.assertEqual([item["id"] for item in listed.json["items"]], [message_id])
        self.assertEqual(server.maildir.mails(), [], "nothing leaves before it is approved")

        approved = self.curl_json(account.client.key, "POST",
                                  server.url + path_of("reviews", message_id, "approve"),
                                  {"subject": "What we agreed – März"})
        self.assertEqual((approved.status, approved.json["status"], approved.json["edited"]),
                         (202, "accepted", True), approved)

        mail = eventually("the mail arrives", server.maildir.mails)[0]
        self.assertEqual(mail.message_id, message_id)
        self.assertEqual(mail.subject, "What we agreed – März")
        self.assertEqual(mail["To"], "Grace <grace@example.org>")
        self.assertEqual(mail["Reply-To"], AGENT)
        self.assertEqual(mail.text, "Grüße, 世界.\n")
        self.assertEqual(mail.html.strip(), "<p>Grüße</p>")
        self.assertEqual(mail.attachments, [("Rechnung März.pdf", PDF)])
        self.assertEqual(mail.defects, [])
        self.assertEqual(mail.raw.lower().count(b"\nmessage-id:"), 1)

        message = self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual((message["review_status"], message["subject"]), ("sent", "What we agreed – März"))
        self.assertEqual(account.reviews(), [])
        self.assertEqual(server.maildir.copies(), {message_id: 1})
        self.assertEqual(server.maildir.unfinished(), [])

    def test_the_agent_cannot_countersign_its_own_mail(self):
        server = self.start_server()
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        agent_key = account.agent_key(AGENT)
        message_id = account.send(AGENT, draft("Mine"))["message_id"]

        for method, path in [("GET", "/v1/reviews"), ("POST", path_of("reviews", message_id, "approve"))]:
            refused = self.curl_json(agent_key, method, server.url + path, {} if method == "POST" else None)
            self.assertEqual((refused.status, refused.code), (403, "forbidden"))
        self.assertEqual([item["id"] for item in account.reviews()], [message_id])

    def test_an_agent_that_writes_to_itself_gets_its_mail_at_once(self):
        server = self.start_server()
        account = self.open_account(server)
        account.create_agent(AGENT)
        sent = account.send(AGENT, {"to": [AGENT], "subject": "Note", "text": "to self"}, expected=200)
        self.assertEqual((sent["status"], sent["method"]), ("sent", "loopback"))
        inbox = account.messages(AGENT)
        self.assertEqual([message["subject"] for message in inbox], ["Note"])
        self.assertEqual(server.maildir.mails(), [])

    def test_everything_says_plainly_that_no_relay_is_configured(self):
        server = self.start_server(log__format="text")
        info = curl(server.url + "/v1/info").json
        self.assertEqual(info["outbound_transport"], "maildir")
        log = server.log_text()
        self.assertIn("no relay is configured", log)
        self.assertIn(str(server.maildir.path), log)
        settings = server.run("config").stdout
        self.assertRegex(settings, re.compile(r'^outbound\.provider = "maildir"', re.MULTILINE))
        self.assertRegex(settings, re.compile(r'^smtp\.host = ""', re.MULTILINE))


if __name__ == "__main__":
    unittest.main()

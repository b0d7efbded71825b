"""A person countersigns in the console, over HTTP as its pages speak it."""

import http.client
import json
import unittest

from support.client import draft
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

PASSWORD = "correct horse battery"


class Browser:
    """Keeps the cookie and says with every request where it comes from, as browsers do."""

    def __init__(self, client):
        self.client = client
        self.cookie = ""
        self.csrf = ""

    def request(self, method, path, body=None, **headers):
        fields = {"Sec-Fetch-Site": "same-origin", "Cookie": self.cookie, "X-CSRF-Token": self.csrf, **headers}
        if method != "GET":
            fields["Origin"] = self.client.url
        answer = self.client.request(method, path, body, headers=fields)
        cookie = answer.headers.get("set-cookie")
        if cookie is not None:
            self.cookie = cookie.partition(";")[0]
            if answer.status == 200:
                self.csrf = answer.json["csrf_token"]
        return answer

    def sign_in(self, email):
        return self.request("POST", "/console/api/session", {"email": email, "password": PASSWORD})


@on_both_stores
class Console:
    def browser(self, server):
        return Browser(self.open_account(server).client.at(server.url))

    def set_up(self, server, browser, email="owner@example.com"):
        """By the link that the server printed."""
        link = server.log_events("console.setup")[0]["link"]
        self.assertTrue(link.startswith(server.url + "/console/setup#"), link)
        token = link.partition("#")[2]
        return browser.request("POST", "/console/api/setup", {"token": token, "email": email, "password": PASSWORD})

    def hold_one(self, account):
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        return account.send(AGENT, draft("For a person"))["message_id"]

    def test_from_the_link_to_the_first_countersigned_mail(self):
        server = self.start_server()
        account = self.open_account(server)
        browser = Browser(account.client.at(server.url))
        self.assertEqual(browser.request("GET", "/console/api/setup").json, {"needed": True})
        self.assertEqual(self.set_up(server, browser).status, 200)
        self.assertEqual(browser.request("GET", "/console/api/setup").json, {"needed": False})
        self.assertEqual(self.set_up(server, Browser(browser.client)).code, "forbidden")

        message_id = self.hold_one(account)
        queue = browser.request("GET", "/console/api/reviews").json
        self.assertEqual(([item["id"] for item in queue["items"]], queue["total"]), ([message_id], 1))
        review = f"/console/api/reviews/{message_id}"
        approved = browser.request("POST", review + "/approve", {"undo_seconds": 30})
        self.assertEqual(approved.status, 202, approved)
        undone = browser.request("POST", review + "/undo", {"undo_token": approved.json["undo_token"]})
        self.assertEqual(undone.status, 200, undone)
        self.assertEqual(server.maildir.mails(), [])
        self.assertEqual(browser.request("POST", review + "/approve", {"undo_seconds": 1}).status, 202)
        eventually("the mail arrives", server.maildir.mails)
        self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), {message_id: 1})
        timeline = browser.request("GET", f"/console/api/messages/{AGENT}/{message_id}/timeline").json["items"]
        kinds = [item["kind"] for item in timeline if item["kind"] not in ("event", "webhook")]
        self.assertEqual(kinds, ["written", "held", "decided", "queued", "held", "decided", "queued", "attempt"])

    def test_a_forgotten_password_is_set_anew_and_signs_everybody_out(self):
        server = self.start_server()
        browser = self.browser(server)
        self.assertEqual(self.set_up(server, browser).status, 200)
        done = server.run_with_input("account", "set-password", "owner@example.com", stdin="another horse battery\n")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(browser.request("GET", "/console/api/session").status, 401)
        self.assertEqual(browser.sign_in("owner@example.com").code, "invalid_credentials")
        refused = server.run_with_input("account", "set-password", "owner@example.com", stdin="short\n")
        self.assertEqual(refused.returncode, 1, refused)

    def test_the_page_is_served_with_its_policy(self):
        server = self.start_server()
        browser = self.browser(server)
        page = browser.request("GET", "/console/")
        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("frame-ancestors 'none'", page.headers["content-security-policy"])
        self.assertNotIn("unsafe", page.headers["content-security-policy"])

    def test_an_open_page_hears_of_what_happens_and_does_not_hold_up_a_stop(self):
        server = self.start_server()
        account = self.open_account(server)
        browser = Browser(account.client.at(server.url))
        self.assertEqual(self.set_up(server, browser).status, 200)
        connection = http.client.HTTPConnection(*browser.client.address, timeout=60)
        connection.request("GET", "/console/api/stream", headers={"Cookie": browser.cookie})
        stream = connection.getresponse()
        self.assertEqual(stream.status, 200)
        self.assertEqual(stream.readline(), b"retry: 2000\n")
        message_id = self.hold_one(account)
        line = b""
        while not line.startswith(b"data: "):
            line = stream.readline()
        self.assertEqual(json.loads(line[6:]),
                         {"type": "email.review_requested", "message_id": message_id, "agent": AGENT})
        server.stop()
        connection.close()
        server.start()


if __name__ == "__main__":
    unittest.main()

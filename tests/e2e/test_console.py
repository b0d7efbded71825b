"""A person countersigns in the console, over HTTP as its pages speak it."""

import http.client
import json
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from support.client import GONE, draft
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

PASSWORD = "correct horse battery"
# Where a server dies in an undo, and whether that has happened by then.
DEATHS_IN_AN_UNDO = {"approve.undo": False, "approve.undo>store.before_commit": False,
                     "approve.undo>store.commit": False, "approve.undo>store.after_commit": True,
                     "console.undone": True}


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

    def put_off(self):
        """What was approved waits an hour more, so that it can be taken back however long that takes."""
        self.store.execute("UPDATE submissions SET due_at_us = due_at_us + 3600000000 WHERE state = 'queued'")

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
        self.put_off()
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

    def test_a_server_that_dies_in_an_undo_leaves_an_approval_or_a_hold(self):
        server = self.start_server()
        account = self.open_account(server)
        browser = Browser(account.client.at(server.url))
        self.assertEqual(self.set_up(server, browser).status, 200)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        sent = []
        for fault, undone in DEATHS_IN_AN_UNDO.items():
            with self.subTest(fault):
                message_id = account.send(AGENT, draft("For a person"))["message_id"]
                review = f"/console/api/reviews/{message_id}"
                server.stop()
                server.restart(fault=fault + "=kill")
                approved = browser.request("POST", review + "/approve", {"undo_seconds": 60, "subject": "Corrected"})
                self.put_off()
                token = {"undo_token": approved.json["undo_token"]}
                with self.assertRaises(GONE):
                    browser.request("POST", review + "/undo", token)
                server.wait_until_killed()
                server.restart()
                again = browser.request("POST", review + "/undo", token)
                self.assertEqual((again.status, again.code), (409, "too_late") if undone else (200, None))
                held = account.review(message_id)
                self.assertEqual((held["review_status"], held["subject"]), ("pending_review", "For a person"))
                self.assertEqual(server.maildir.copies(), dict.fromkeys(sent, 1))
                self.assertEqual(browser.request("POST", review + "/approve", {}).status, 202)
                self.wait_for_delivery_status(account, message_id, "sent")
                sent.append(message_id)
                self.assertEqual(server.maildir.copies(), dict.fromkeys(sent, 1))

    def test_two_browsers_decide_at_one_moment_and_the_slower_one_is_told_what_the_other_did(self):
        server = self.start_server()
        account = self.open_account(server)
        browsers = [Browser(account.client.at(server.url)) for _ in range(2)]
        self.assertEqual(self.set_up(server, browsers[0]).status, 200)
        self.assertEqual(browsers[1].sign_in("owner@example.com").status, 200)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        approve = ("/console/api/reviews/{}/approve", {"undo_seconds": 0}, "approved", False)
        correct = ("/console/api/reviews/{}/approve", {"subject": "Corrected"}, "approved", True)
        reject = ("/console/api/v1/reviews/{}/reject", {"reason": "not like this"}, "rejected", False)
        starting_line = threading.Barrier(2)

        def decide(browser, message_id, deed):
            starting_line.wait()
            return browser.request("POST", deed[0].format(message_id), deed[1])

        approved = {}
        with ThreadPoolExecutor(2) as people:
            for deeds in ((approve, approve), (approve, correct), (approve, reject), (correct, reject),
                          (reject, reject)) * 4:
                message_id = account.send(AGENT, draft("For a person"))["message_id"]
                answers = list(people.map(decide, browsers, (message_id, message_id), deeds))
                won = [answer.status < 300 for answer in answers]
                self.assertEqual(sorted(won), [False, True], answers)
                late, (_, _, deed, edited) = answers[won.index(False)], deeds[won.index(True)]
                self.assertEqual((late.status, late.code), (409, "message_not_pending"))
                told = late.json["error"]["details"]["decision"]
                self.assertEqual((told["as"], told["by"], told["edited"]), (deed, "owner@example.com", edited))
                if deed == "approved":
                    approved[message_id] = "Corrected" if edited else "For a person"
        for message_id in approved:
            self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), dict.fromkeys(approved, 1))
        self.assertEqual({mail.message_id: mail.subject for mail in server.maildir.mails()}, approved)

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
        connection = http.client.HTTPConnection(*browser.client.address, timeout=300)
        connection.request("GET", "/console/api/stream", headers={"Cookie": browser.cookie})
        stream = connection.getresponse()
        self.assertEqual(stream.status, 200)
        greeting = [stream.readline() for _ in range(4)]
        self.assertEqual(greeting, [b"retry: 2000\n", b"event: ping\n", b"data: {}\n", b"\n"])
        message_id = self.hold_one(account)
        line = b""
        while not line.startswith(b"data: ") or line == b"data: {}\n":
            line = stream.readline()
        self.assertEqual(json.loads(line[6:]),
                         {"type": "email.review_requested", "message_id": message_id, "agent": AGENT})
        server.stop()
        connection.close()
        server.start()


if __name__ == "__main__":
    unittest.main()

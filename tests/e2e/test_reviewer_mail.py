"""A reviewer's mail and the pages behind its links, against the running server."""

import concurrent.futures
import contextlib
import re
import unittest

from support.client import GONE, draft, path_of
from support.maildir import Maildir
from support.relay import PostfixRelay, relay_settings
from support.review import REVIEWER_MAIL, links_of, look, mail_about, press, reviewer_mails, with_public_url
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

OWNER = "owner@example.com"
TAGS = {"html", "head", "meta", "title", "style", "body", "main", "p", "section", "h1", "h2", "dl", "dt", "dd", "pre",
        "form", "input", "label", "textarea", "div", "button", "a"}
# Each with what has to go wrong first, so that it is passed.
STEPS = (("notify.queue>store.after_commit", ""), ("notify.claim", ""), ("notify.claim>store.commit", ""),
         ("notify.claim>store.after_commit", ""), ("notifier.claimed", ""), ("notify.begin", ""),
         ("notify.begin>store.after_commit", ""), ("notifier.sending", ""), ("maildir.published", ""),
         ("notifier.handed_over", ""), ("notify.record", ""), ("notify.record>store.commit", ""),
         ("notify.record>store.after_commit", ""), ("notifier.recorded", ""),
         ("notify.rescue", "notifier.claimed"), ("notify.rescue>store.commit", "notifier.sending"))


@on_both_stores
class ReviewerMail:
    def open(self, *, on_expiry="reject", ttl_seconds=3600, **settings):
        self.server = with_public_url(self.add_server(**{**REVIEWER_MAIL, **settings})).start()
        self.account = self.open_account(self.server, OWNER)
        self.account.create_agent(AGENT)
        self.account.hold_everything(AGENT, ttl_seconds=ttl_seconds, on_expiry=on_expiry)

    def hold(self, subject="Quarterly figures", **more):
        return self.account.send(AGENT, draft(subject, **more))["message_id"]

    def mailed(self, message_id):
        mail = mail_about(self.server.maildir, message_id)
        return mail, links_of(mail, message_id)

    def status_of(self, message_id):
        return self.account.review(message_id)["review_status"]

    def state(self):
        """Everything that a decision changes."""
        return (self.store.rows("SELECT id, review_status, resolved_by, revision FROM messages ORDER BY id"),
                self.count("events"), self.count("lifecycle"), self.count("submissions"))

    def test_the_owner_hears_what_waits_and_why_and_never_the_text(self):
        self.open()
        message_id = self.hold()
        mail, links = self.mailed(message_id)
        self.assertEqual((mail["From"], mail["To"]), ("Countersign <hitl-noreply@agents.localhost>", OWNER))
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertIn("Quarterly figures", mail.subject)
        for body in (mail.text, mail.html):
            for told in (AGENT, "someone@example.org", "Quarterly figures", "then it is rejected"):
                self.assertIn(told, body)
            self.assertNotIn("The text of Quarterly figures", body)
        self.assertEqual(sorted(links), ["approve", "reject"])
        self.assertEqual(mail.defects, [])

    def test_reviewers_hear_of_a_hold_without_waiting_for_somebody_to_look(self):
        never = {"notifications__poll_interval_ms": 3_600_000}
        self.open(**never)
        for subject in ("One", "Two"):
            self.mailed(self.hold(subject))
        eventually("both are recorded", lambda: self.count("review_mails") == 2)

    def test_looking_a_hundred_times_changes_nothing(self):
        self.open()
        message_id = self.hold()
        _, links = self.mailed(message_id)
        eventually("the mail is recorded", lambda: self.store.rows("SELECT state FROM review_mails") == [["sent"]])
        before = self.state()
        for link in links.values():
            for _ in range(50):
                page = look(link)
                self.assertEqual(page.status, 200)
            self.assertIn("The text of Quarterly figures", page.text)
            for method in ("PUT", "DELETE"):
                self.assertEqual((look(link, method).status, look(link, method).headers["allow"]), (405, "GET, POST"))
        self.assertEqual(self.state(), before)
        self.assertEqual(self.status_of(message_id), "pending_review")

    def test_a_press_decides_and_a_second_one_is_told_who_did(self):
        self.open()
        message_id = self.hold()
        _, links = self.mailed(message_id)
        self.assertEqual((press(links["approve"]).title, press(links["approve"]).status), ("Approved", 409))
        for page in (look(links["approve"]), look(links["reject"]), press(links["reject"])):
            self.assertEqual((page.status, page.title), (409, "Already approved"))
            self.assertIn(f"with the link mailed to {OWNER}", page.text)
        self.wait_for_delivery_status(self.account, message_id, "sent")
        self.assertEqual(self.server.maildir.copies()[message_id], 1)
        events = self.store.rows("SELECT type FROM events ORDER BY position")
        self.assertEqual(events[:2], [["email.review_requested"], ["email.review_approved"]])
        self.assertEqual(self.store.rows("SELECT resolved_by FROM messages"), [[f"review link: {OWNER}"]])

    def test_a_rejection_keeps_its_reason(self):
        self.open()
        with_reason, without = self.hold("One"), self.hold("Two")
        page = press(self.mailed(with_reason)[1]["reject"], reason="  the figures are wrong €  ")
        self.assertEqual((page.status, page.title), (200, "Rejected"))
        self.assertIn("the figures are wrong €", page.text)
        press(self.mailed(without)[1]["reject"], reason=" ")
        reasons = self.store.rows("SELECT rejection_reason FROM messages ORDER BY subject")
        self.assertEqual(reasons, [["the figures are wrong €"], ["rejected by the reviewer"]])
        self.assertEqual(self.status_of(with_reason), "review_rejected")

    def test_of_many_presses_at_once_one_counts(self):
        self.open()
        message_id = self.hold()
        _, links = self.mailed(message_id)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            pages = list(pool.map(lambda n: press(links["approve" if n % 2 else "reject"]), range(16)))
        self.assertEqual(sorted(page.status for page in pages), [200] + [409] * 15)
        [winner] = [page for page in pages if page.status == 200]
        expected = {"Approved": "sent", "Rejected": "review_rejected"}[winner.title]
        self.assertEqual(self.status_of(message_id), expected)
        self.wait_until_settled()
        self.assertEqual(self.server.maildir.copies()[message_id], 1 if expected == "sent" else 0)

    def test_links_that_are_none_explain_themselves(self):
        self.open()
        message_id = self.hold()
        _, links = self.mailed(message_id)
        page_of = links["approve"].partition("?")[0]
        token = links["approve"].partition("t=")[2]
        other = links["reject"].partition("t=")[2]
        for wrong in ("", "?t=", "?t=nonsense", f"?t={other}", f"?t={token[:-1]}", f"?t={token}A", "?t=%FF%00",
                      f"?t={other.partition('.')[0]}.{token.partition('.')[2]}", "?t=" + "A" * 5000):
            for page in (look(page_of + (wrong or "?")), press(page_of + (wrong or "?"))):
                self.assertEqual((page.status, page.title), (400, "This link is not valid"), wrong)
        self.assertEqual(self.status_of(message_id), "pending_review")
        self.account.ask(200, "DELETE", path_of("agents", AGENT) + "?confirm=DELETE")
        self.assertEqual(look(links["approve"]).status, 404)

    def test_a_page_asks_nothing_of_anybody_else(self):
        self.open()
        hostile = "</title><script>alert(1)</script><img src=//evil.example/x>\u202egpj.exe"
        message_id = self.hold(hostile)
        _, links = self.mailed(message_id)
        for page in (look(links["approve"]), look(links["reject"]), look(links["approve"] + "x")):
            policy = page.headers["content-security-policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual((page.headers["cache-control"], page.headers["referrer-policy"]),
                             ("no-store", "no-referrer"))
            self.assertEqual((page.headers["x-robots-tag"], page.headers["x-frame-options"]),
                             ("noindex, nofollow", "DENY"))
            self.assertEqual(page.headers["x-content-type-options"], "nosniff")
            self.assertLessEqual(set(re.findall(r"<([a-z0-9]+)", page.html)), TAGS)
            self.assertNotRegex(page.html, r"<[^>]*\s(src|srcset|on[a-z]+|style)\s*=")
            self.assertNotIn("\u202e", page.html)
        self.assertIn("<script>alert(1)</script>", look(links["approve"]).text)

    def test_too_many_looks_have_to_wait(self):
        self.open(notifications__links_per_minute=5)
        link = f"{self.server.url}/v1/approve?t=guess"
        statuses = self.within_a_minute(lambda: [look(link).status for _ in range(7)])
        self.assertEqual(statuses, [400] * 5 + [429] * 2)

    def test_killed_at_every_step_each_hold_is_told_of(self):
        self.open(on_expiry="approve", ttl_seconds=3600)
        told = {}
        # Starts take most of the time, and the two stores differ in how a worker is succeeded only.
        for step, first in STEPS if self.store_kind == "sqlite" else STEPS[1::2]:
            with self.subTest(step):
                self.server.stop()
                self.server.restart(fault=f"{first or step}=kill")
                try:
                    self.account.client.request("POST", path_of("agents", AGENT, "messages"), draft(step))
                except GONE:
                    pass
                self.server.wait_until_killed()
                if first:
                    self.server.restart(fault=f"{step}=kill")
                    self.server.wait_until_killed()
                self.server.restart()
                [held] = [row[0] for row in self.store.rows(
                    f"SELECT id FROM messages WHERE subject = '{step}'")]
                mail, links = self.mailed(held)
                told[held] = mail["Message-ID"]
                self.assertEqual(look(links["approve"]).status, 200)
                # Not the next one's server is to repeat it, and to die of that.
                eventually("it is recorded", lambda: self.store.rows(
                    "SELECT count(*) FROM review_mails WHERE state <> 'sent'") == [["0"]])
        self.assertEqual(sorted(mail["Message-ID"] for mail in reviewer_mails(self.server.maildir)),
                         sorted(told.values()), "a repeat has the id of the first, which the Maildir recognises")

    def test_killed_while_a_hold_gets_more_time_it_waits_all_the_same(self):
        relay = {"smtp__host": "127.0.0.1", "smtp__port": 1}  # nobody is there
        self.open(on_expiry="approve", ttl_seconds=2, **relay)
        self.server.stop()
        self.server.restart(fault="notify.extend=kill")
        with contextlib.suppress(*GONE):  # the clock may overtake the answer
            self.hold()
        self.server.wait_until_killed()
        self.server.restart()
        [[message_id]] = self.store.rows("SELECT id FROM messages")
        eventually("the hold has more time", lambda: self.events().count("email.review_requested") >= 2)
        self.assertEqual(self.status_of(message_id), "pending_review")
        self.account.ask(200, "POST", path_of("reviews", message_id, "reject"), {})

    def events(self):
        return [row[0] for row in self.store.rows("SELECT type FROM events ORDER BY position")]

    def test_what_nobody_can_be_told_of_is_rejected_with_its_reason(self):
        self.open(on_expiry="approve", ttl_seconds=1, notifications__enabled="false")
        message_id = self.hold()
        eventually("it is decided", lambda: self.status_of(message_id) == "review_expired_rejected")
        reason = self.store.rows("SELECT rejection_reason FROM messages")
        self.assertEqual(reason, [["reviewer_not_notified: mail to reviewers is turned off"]])
        self.assertEqual(self.events(), ["email.review_requested", "email.review_rejected", "email.failed"])

    def test_who_switches_mail_about_an_agent_off_lets_its_clock_approve_unless_the_account_forbids_it(self):
        self.open()
        everything = {"policy": "allowlist", "action": "review", "allowlist": []}
        self.account.protect(AGENT, everything, {"ttl_seconds": 1, "on_expiry": "approve",
                                                 "suppress_notifications": True})
        approved = self.hold("Unseen")
        eventually("the clock approves it", lambda: self.status_of(approved) == "review_expired_approved")
        lifecycle = self.account.ask(200, "GET", path_of("agents", AGENT, "messages", approved, "lifecycle")).json
        [decision] = [row for row in lifecycle["items"] if row["reason_code"] == "review.expired_approved"]
        self.assertEqual(decision["evidence"]["source"], "unseen")
        self.account.ask(200, "PUT", "/v1/account/review-settings", {"mute": False, "on_unseen": "reject"})
        rejected = self.hold("Unseen and forbidden")
        eventually("the clock rejects it", lambda: self.status_of(rejected) == "review_expired_rejected")
        self.assertEqual(self.store.rows(f"SELECT rejection_reason FROM messages WHERE id = '{rejected}'"),
                         [["reviewer_not_notified: mail to reviewers is turned off"]])
        self.wait_until_settled()
        self.assertEqual(reviewer_mails(self.server.maildir), [])


class ThroughARelay:
    def test_while_the_relay_is_away_nothing_is_approved_unseen(self):
        with PostfixRelay() as relay:
            relay.end()
            for child in relay.children:
                child.wait()
            relay.children.clear()
            mailbox = Maildir(relay.info["maildir"])
            server = with_public_url(self.add_server(**REVIEWER_MAIL, **relay_settings(relay))).start()
            account = self.open_account(server, OWNER)
            account.create_agent(AGENT)
            account.hold_everything(AGENT, ttl_seconds=2, on_expiry="approve")
            message_id = account.send(AGENT, draft("Nobody looked"))["message_id"]
            announced = "SELECT count(*) FROM events WHERE type = 'email.review_requested'"
            eventually("its time was up and it waits", lambda: int(self.store.rows(announced)[0][0]) >= 2)
            self.assertEqual(account.review(message_id)["review_status"], "pending_review")
            relay.launch()
            mail = mail_about(mailbox, message_id)
            self.assertEqual(mail["Delivered-To"], OWNER)
            eventually("the clock approves it", lambda: account.review(message_id)["review_status"] ==
                       "review_expired_approved")
            self.wait_for_delivery_status(account, message_id, "sent")


on_both_stores(ThroughARelay)


if __name__ == "__main__":
    unittest.main()

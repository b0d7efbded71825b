"""The review pages as a person meets them: Chromium on a phone and on a desk, light and dark, without JavaScript.

COUNTERSIGN_SCREENSHOTS names a folder for pictures of the pages; docs/review-pages/ holds some.
"""

import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import unittest

from support.client import draft
from support.review import REVIEWER_MAIL, links_of, long_ago, mail_about, with_public_url
from support.scenario import AGENT, on_sqlite
from support.waiting import eventually

HERE = pathlib.Path(__file__).resolve().parent
DRIVER = HERE.parents[1] / "web/node_modules/playwright-core"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
TEXT = """Hello Bob,

please find the figures for the third quarter below. Revenue is up by 12 %, and the new region is ahead of plan.

  EMEA     4,210
  APAC     3,377
  Americas 6,054

Kind regards
Ada's agent"""
HOSTILE = ("\u202e<script>alert(1)</script><img src=https://evil.example/x>" +
           "A_subject_without_a_single_blank_in_it_that_goes_on_and_on_" * 3)


def missing():
    if not DRIVER.is_dir():
        return f"there is no {DRIVER}; building the console fetches it"
    return "" if CHROMIUM and shutil.which("node") else "there is no chromium or no node"


def visit(*wanted):
    """What the browser sees; see visit.mjs."""
    done = subprocess.run(["node", HERE / "visit.mjs", DRIVER], input=json.dumps(wanted), capture_output=True,
                          text=True, timeout=900, check=False, env={**os.environ, "CHROMIUM": CHROMIUM})
    if done.returncode != 0:
        raise AssertionError(f"the browser: {done.stderr[-4000:]}")
    return json.loads(done.stdout)


def picture(name):
    folder = os.environ.get("COUNTERSIGN_SCREENSHOTS")
    return {"screenshot": str(pathlib.Path(folder, name + ".png"))} if folder else {}


@unittest.skipIf(missing() and not os.environ.get("CI"), missing())
@on_sqlite
class ReviewPages:
    def setUp(self):
        super().setUp()
        self.secret = secrets.token_hex(32)
        self.server = with_public_url(self.add_server(**REVIEWER_MAIL, signing__secret=self.secret)).start()
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)
        self.account.hold_everything(AGENT)

    def hold(self, subject="Figures of the third quarter", **more):
        body = {**draft(subject, "bob@example.org"), "text": TEXT, **more}
        message_id = self.account.send(AGENT, body)["message_id"]
        return message_id, links_of(mail_about(self.server.maildir, message_id), message_id)

    def assert_is_good(self, seen, link):
        """Nothing is asked of anybody else, everything fits, and what is pressed can be hit with a thumb."""
        self.assertEqual(seen["problems"], [])
        self.assertEqual({request.partition(" ")[2].startswith(self.server.url) for request in seen["requests"]}, {True})
        self.assertEqual((seen["overflow"], seen["small"]), (0, []), link)

    def test_looking_changes_nothing_on_a_phone_and_on_a_desk_in_light_and_dark(self):
        message_id, links = self.hold()
        _, hostile = self.hold(HOSTILE, html="<b>html</b>")
        visits = [{"url": link, **size, "dark": dark,
                   **picture(f"{action}-{'phone' if size is PHONE else 'desk'}{'-dark' if dark else ''}")}
                  for action, link in links.items() for size in (PHONE, DESK) for dark in (False, True)]
        visits += [{"url": hostile["approve"], **size, **picture("hostile-phone" if size is PHONE else "hostile-desk")}
                   for size in (PHONE, DESK)]
        for wanted, seen in zip(visits, visit(*visits)):
            self.assertEqual(seen["status"], 200)
            self.assert_is_good(seen, wanted["url"])
            self.assertEqual([request.partition(" ")[0] for request in seen["requests"]], ["GET"])
        self.assertIn("Revenue is up by 12 %", seen["text"])
        self.assertIn("<script>alert(1)</script>", seen["text"])
        self.assertEqual(self.account.review(message_id)["review_status"], "pending_review")

    def test_a_press_approves_once_and_the_used_link_says_so(self):
        message_id, links = self.hold()
        pressed, again, other, broken = visit(
            {"url": links["approve"], **PHONE, "press": "Approve and send", **picture("approved-phone")},
            {"url": links["approve"], **PHONE, **picture("used-phone")},
            {"url": links["reject"], **DESK, "dark": True, **picture("used-desk-dark")},
            {"url": links["approve"][:-4], **PHONE, **picture("invalid-phone")})
        self.assertEqual((pressed["status"], pressed["heading"]), (200, "Approved"))
        for seen in (again, other):
            self.assertEqual((seen["status"], seen["heading"]), (409, "Already approved"))
            self.assertIn("with the link mailed to owner@example.com", seen["text"])
        self.assertEqual((broken["status"], broken["heading"]), (400, "This link is not valid"))
        self.assert_is_good(pressed, links["approve"])
        self.wait_for_delivery_status(self.account, message_id, "sent")
        self.assertEqual(self.server.maildir.copies()[message_id], 1)

    def test_a_rejection_takes_the_reason_that_was_typed(self):
        message_id, links = self.hold()
        [pressed] = visit({"url": links["reject"], **PHONE, "fill": {"reason": "Numbers & <dates> are off – again"},
                           "press": "Reject", **picture("rejected-phone")})
        self.assertEqual((pressed["status"], pressed["heading"]), (200, "Rejected"))
        self.assertIn("Numbers & <dates> are off – again", pressed["text"])
        self.assertEqual(self.account.review(message_id)["review_status"], "review_rejected")

    def test_links_whose_time_is_over_say_what_became_of_the_message(self):
        waiting, its_links = self.hold()
        decided, links = self.hold("Nobody looked")
        self.store.execute(f"UPDATE messages SET approval_expires_at_us = 1 WHERE id = '{decided}'")
        eventually("the clock decides", lambda: self.account.review(decided)["review_status"] == "review_expired_rejected")
        still_waits, late, later = visit(
            {"url": self.old(its_links["approve"], waiting), **PHONE, **picture("expired-phone")},
            {"url": links["approve"], **PHONE, **picture("late-phone")},
            {"url": self.old(links["approve"], decided), **DESK, "dark": True, **picture("expired-desk-dark")})
        self.assertEqual((still_waits["status"], still_waits["heading"]), (410, "This link has expired"))
        self.assertIn("The message still waits", still_waits["text"])
        self.assertEqual((late["status"], late["heading"]), (409, "Already rejected"))
        self.assertEqual((later["status"], later["heading"]), (410, "This link has expired"))
        for seen in (late, later):
            self.assertIn("rejected by the clock", seen["text"])
        for seen in (still_waits, late, later):
            self.assertEqual((seen["overflow"], seen["small"]), (0, []))
            self.assertEqual(len(seen["requests"]), 1)
        self.assertEqual(self.account.review(waiting)["review_status"], "pending_review")

    def old(self, link, message_id):
        [[link_key]] = self.store.rows("SELECT r.link_key FROM review_mails r JOIN review_notifications n ON n.mail_id = "
                                       f"r.id WHERE n.message_id = '{message_id}'")
        return long_ago(link, self.secret, link_key)

    def test_the_mail_itself_fits_a_phone_and_asks_nothing_of_anybody(self):
        message_id, _ = self.hold()
        page = self.directory / "mail.html"
        page.write_text(mail_about(self.server.maildir, message_id).html, encoding="utf-8")
        visits = [{"url": page.as_uri(), **size, "dark": dark, "mail": True,
                   **picture(f"mail-{'phone' if size is PHONE else 'desk'}{'-dark' if dark else ''}")}
                  for size in (PHONE, DESK) for dark in (False, True)]
        for seen in visit(*visits):
            self.assertEqual((seen["overflow"], seen["small"], seen["problems"]), (0, [], []))
            self.assertEqual(seen["requests"], [f"GET {page.as_uri()}"])


if __name__ == "__main__":
    sys.exit(unittest.main())

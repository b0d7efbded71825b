"""The connection to PostgreSQL is cut at every protocol message of an approval, in both directions."""

import os
import re
import unittest

from support.client import draft, path_of
from support.peers import CLIENT, SERVER, CuttingProxy, PostgresMessages
from support.scenario import AGENT, on_postgres
from support.waiting import eventually

COLLEAGUE = "colleague@agents.localhost"
OUTSIDE = "someone@example.org"
MESSAGES_MAX = 400  # far more than an approval has
NOTHING, EVERYTHING = ["pending_review", "0", "0", "0"], ["review_approved", "1", "1", "1"]


# What a cut behind a message shows, the cut before the next one nearly shows too.
LONG = os.environ.get("COUNTERSIGN_E2E_LONG") == "1"


@on_postgres
class CutPostgres:
    def setUp(self):
        super().setUp()
        host, port = re.search(r"@([^:/]+):(\d+)", self.store.url).groups()
        self.proxy = self.enterContext(CuttingProxy(host, int(port)))
        url = self.store.url.replace(f"@{host}:{port}", f"@127.0.0.1:{self.proxy.port}")
        # No polling and no signals, so that nothing but the approval speaks, and few connections, so that they are
        # all open.
        self.server = self.start_server(store__url=f"{url}?sslmode=disable&gssencmode=disable", store__connections=2,
                                        store__signals="false", store__deadline_ms=10_000,
                                        dispatcher__poll_interval_ms=3_600_000, expiry__poll_interval_ms=3_600_000,
                                        dispatcher__lease_seconds=600)
        self.server.expect_errors("store.server_down", "rest.request_failed", "dispatcher.attempt_abandoned",
                                  "dispatcher.record_failed")
        self.account = self.open_account(self.server)
        for agent in (AGENT, COLLEAGUE):
            self.account.create_agent(agent)
        self.account.hold_everything(AGENT)

    def state_of(self, message_id):
        """Decision, local copies, hand-overs, remembered answers: what the database itself has."""
        [row] = self.store.rows(
            f"SELECT m.review_status, (SELECT count(*) FROM messages c WHERE c.direction = 'inbound' AND c.subject = "
            f"m.subject), (SELECT count(*) FROM submissions s WHERE s.message_id = m.id), (SELECT count(*) FROM "
            f"idempotency_keys k WHERE k.key = 'approve ' || m.id) FROM messages m WHERE m.id = '{message_id}'")
        return row

    def cut_every_message(self, sender, *, forward):
        """One approval for each message of `sender`, until one comes through uncut."""
        outcomes = []
        types = ""
        for nth in range(1, MESSAGES_MAX):
            message_id = self.account.send(AGENT, draft(f"{sender} {nth} {forward}", [COLLEAGUE, OUTSIDE]))["message_id"]
            judge = PostgresMessages(sender, nth, forward=forward)
            approve = ("POST", path_of("reviews", message_id, "approve"), {})
            cuts = self.proxy.cuts
            self.proxy.judge = judge
            answer = self.account.client.request(*approve, key="approve " + message_id)
            self.proxy.judge = None
            uncut = self.proxy.cuts == cuts
            with self.subTest(f"{sender} message {nth}, a {judge.types[-1:]}"):
                state = self.state_of(message_id)
                self.assertIn(state, (NOTHING, EVERYTHING), "one commit, or none")
                if answer.status == 202:
                    self.assertEqual(state, EVERYTHING)
                else:
                    self.assertEqual(answer.status, 503, answer)
                again = self.account.client.insist(*approve, key="approve " + message_id)
                self.assertEqual(again.status, 202, again)
                self.assertEqual(self.state_of(message_id), EVERYTHING)
                if answer.status == 202:
                    self.assertEqual(again.body, answer.body, "the answer that was given is repeated")
                outcomes.append((answer.status, state == EVERYTHING))
            if uncut:
                types = "".join(judge.types)
                break
        self.assertTrue(types, "an approval ends")
        # The approval's own transaction was among what was cut, up to its commit.
        self.assertGreater(len(outcomes), 15)
        self.assertIn((202, True), outcomes)
        self.wait_until_every_mail_went_out_once(len(outcomes))
        print(f"{len(outcomes)} messages of the {sender} ({types}), answered at once {outcomes.count((202, True))}",
              end=" ... ", flush=True)

    def wait_until_every_mail_went_out_once(self, number):
        self.server.stop()
        self.server.settings["dispatcher.poll_interval_ms"] = 50
        self.server.settings["dispatcher.lease_seconds"] = 1
        self.store.execute("UPDATE submissions SET lease_until_us = 1 WHERE lease_until_us IS NOT NULL")
        self.server.restart()
        self.wait_until_settled()
        eventually("every mail is there", lambda: len(self.server.maildir.copies()) == number)
        self.assertEqual(set(self.server.maildir.copies().values()), {1})

    def test_cut_before_each_message_to_the_database_an_approval_is_one_commit_or_none(self):
        self.cut_every_message(CLIENT, forward=False)

    @unittest.skipUnless(LONG, "COUNTERSIGN_E2E_LONG=1")
    def test_cut_after_each_message_to_the_database_an_approval_is_one_commit_or_none(self):
        self.cut_every_message(CLIENT, forward=True)

    def test_cut_before_each_message_of_the_database_an_approval_is_one_commit_or_none(self):
        self.cut_every_message(SERVER, forward=False)

    @unittest.skipUnless(LONG, "COUNTERSIGN_E2E_LONG=1")
    def test_cut_after_each_message_of_the_database_an_approval_is_one_commit_or_none(self):
        self.cut_every_message(SERVER, forward=True)


if __name__ == "__main__":
    unittest.main()

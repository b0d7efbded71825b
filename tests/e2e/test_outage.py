"""PostgreSQL goes away under load and comes back: nothing acknowledged is lost, nothing is doubled."""

import os
import time
import unittest

from support.client import Client, path_of
from support.load import OPEN_AGENT, Load, assert_nothing_lost_or_doubled
from support.maildir import Maildir
from support.postgres import PrivatePostgres
from support.relay import PostfixRelay, relay_settings
from support.scenario import on_postgres
from support.waiting import eventually

# Long enough for answers to be refused and for several tries to connect; COUNTERSIGN_E2E_LONG asks for the
# minute of the promise.
LONG = os.environ.get("COUNTERSIGN_E2E_LONG") == "1"
OUTAGE_SECONDS = 60 if LONG else 8
MESSAGES = 200 if LONG else 20  # before the outage, and again after it


@on_postgres
class Outage:
    def postgres_url(self):
        self.postgres = PrivatePostgres()  # one that may be stopped
        self.addCleanup(self.postgres.close)
        return self.postgres.url

    def outage(self, begin, relay=None):
        server = self.start_server(dispatcher__lease_seconds=2, store__deadline_ms=10_000,
                                   **(relay_settings(relay) if relay else {}))
        # What a database that is away may leave in the log.
        server.expect_errors("store.server_down", "store.outcome_unknown", "rest.request_failed",
                             "dispatcher.attempt_abandoned", "dispatcher.record_failed",
                             "dispatcher.release_failed")
        account = self.open_account(server)
        Load.prepare(account)
        load = Load(account, [server.url])
        load.start()
        try:
            load.wait_for_progress(MESSAGES)
            begun = time.monotonic()
            begin()
            eventually("requests are answered 503", lambda: load.refusals[503] > 0)
            not_ready = Client(server.url).request("GET", "/readyz")
            self.assertEqual((not_ready.status, not_ready.json["status"]), (503, "not_ready"))
            healthy = Client(server.url).request("GET", "/api/health")
            self.assertEqual(healthy.status, 200, "the process itself is well")
            self.assertEqual(self.seen(account, load), {503}, "what cannot be looked up is not called missing")
            eventually("the outage has lasted its time", lambda: time.monotonic() - begun >= OUTAGE_SECONDS)
            self.postgres.start()
            eventually("the server is ready again", server.is_ready)
            away = time.monotonic() - begun
            self.assertEqual(self.seen(account, load), {200})
            load.wait_for_progress(MESSAGES)
        finally:
            load.stop()
        self.assertEqual(set(load.refusals) - {409, 503}, set(), "an outage is 503, or the key is in flight")
        self.assertEqual(load.refusals_without_retry_after, 0)
        self.assertEqual(load.unanswered, 0, "every request was answered")
        looks = len(server.log_events("dispatcher.rescue_failed"))
        self.assertLess(looks, 3 * away, "a third of the lease passes between two looks")
        maildir = Maildir(relay.info["maildir"]) if relay else server.maildir
        assert_nothing_lost_or_doubled(self, load, maildir)
        print(f"{len(load.acknowledged)} messages, {load.refusals[503]} answers 503, "
              f"{away:.0f} s away", end=" ... ", flush=True)

    @staticmethod
    def seen(account, load):
        """The statuses with which an agent, one of its messages and its mailbox are answered."""
        # The even turns of the clients are that agent's.
        message_id = next(message for subject, message in list(load.acknowledged.items())
                          if int(subject.split()[1]) % 2 == 0)
        agent = path_of("agents", OPEN_AGENT)
        message = path_of("agents", OPEN_AGENT, "messages", message_id)
        return {account.client.request("GET", path).status for path in (agent, message, agent + "/messages")}

    def test_stopped_and_started_again(self):
        self.outage(lambda: self.postgres.stop("fast"))

    def test_crashed_and_recovered(self):
        self.outage(lambda: self.postgres.stop("immediate"))

    def test_killed_and_recovered(self):
        self.outage(lambda: self.postgres.kill9())

    def test_killed_while_mail_goes_through_a_relay_that_knows_no_repeats(self):
        """What the relay has answered is known to the process, and recorded when the store is back."""
        relay = self.enterContext(PostfixRelay())
        self.outage(lambda: self.postgres.kill9(), relay)


if __name__ == "__main__":
    unittest.main()

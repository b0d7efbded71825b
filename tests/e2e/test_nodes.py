"""Three nodes share one PostgreSQL: every mail is handed over once, also when a node dies at its work."""

import secrets
import unittest

from support.client import draft, path_of
from support.load import Load, assert_nothing_lost_or_doubled
from support.maildir import Maildir
from support.relay import PostfixRelay, relay_settings
from support.review import look
from support.scenario import AGENT, on_postgres
from support.waiting import eventually


@on_postgres
class Nodes:
    def start_nodes(self, number, **settings):
        """Nodes with one secret and one Maildir, each with a data directory of its own."""
        shared = {"signing__secret": secrets.token_hex(32), "outbound__maildir": self.directory / "outbound",
                  "dispatcher__lease_seconds": 2, **settings}
        nodes = []
        for index in range(number):
            directory = self.directory / f"node{index}"
            directory.mkdir()
            nodes.append(self.start_server(name=f"node{index}", directory=directory, **shared))
        return nodes

    def workers(self):
        """The nodes that have handed mail over."""
        accepted = "SELECT DISTINCT worker FROM submissions WHERE state = 'accepted'"
        return {row[0] for row in self.store.rows(accepted)}

    def test_limits_are_those_of_all_nodes_together(self):
        nodes = self.start_nodes(2, rate_limits__send_per_minute=20, rate_limits__poll_per_minute=30)
        account = self.open_account(nodes[0])
        account.create_agent(AGENT)
        clients = [account.client.at(node.url) for node in nodes]
        path = path_of("agents", AGENT, "messages")
        sends = self.within_a_minute(lambda: [
            clients[i % 2].request("POST", path, draft(f"Note {i}")) for i in range(30)])
        self.assertEqual([one.status for one in sends], [202] * 20 + [429] * 10)
        self.assertEqual(sends[-1].code, "rate_limited")
        pause = sends[-1].json["error"]["details"]["retry_after_seconds"]
        self.assertEqual(sends[-1].headers["retry-after"], str(pause))
        self.assertTrue(1 <= pause <= 65, pause)
        lists, later = self.within_a_minute(lambda: (
            [clients[i % 2].request("GET", path) for i in range(40)],
            self.ask_once_more(nodes[1], lambda: clients[1].request("GET", path))))
        self.assertEqual([one.status for one in lists], [200] * 30 + [429] * 10)
        for one in lists:
            self.assertEqual(one.headers["ratelimit-limit"], "30")
            self.assertTrue(1 <= int(one.headers["ratelimit-reset"]) <= 65)
        left = [int(one.headers["ratelimit-remaining"]) for one in lists]
        self.assertEqual(left, sorted(left, reverse=True))
        self.assertEqual(left[29:], [0] * 11)
        self.assertEqual(later.status, 429)

    @staticmethod
    def ask_once_more(node, ask):
        """A node that comes later finds what has been spent, and so does one that is started again."""
        node.stop()
        node.restart()
        return ask()

    def test_so_are_those_of_the_pages_behind_a_reviewers_links(self):
        nodes = self.start_nodes(2, notifications__links_per_minute=20)
        links = [f"{node.url}/v1/approve?t=guess" for node in nodes]
        pages, later = self.within_a_minute(lambda: (
            [look(links[i % 2]) for i in range(30)], self.ask_once_more(nodes[1], lambda: look(links[1]))))
        self.assertEqual([page.status for page in pages], [400] * 20 + [429] * 10)
        self.assertTrue(1 <= int(pages[-1].headers["retry-after"]) <= 65, pages[-1].headers)
        self.assertEqual(later.status, 429)

    def test_sends_and_approvals_spread_over_the_nodes(self):
        self.spread(self.start_nodes(3))

    def test_a_relay_that_knows_no_repeats_gets_every_mail_once(self):
        relay = self.enterContext(PostfixRelay())
        self.spread(self.start_nodes(3, **relay_settings(relay)), Maildir(relay.info["maildir"]))

    def spread(self, nodes, maildir=None):
        account = self.open_account(nodes[0])
        Load.prepare(account)
        load = Load(account, [node.url for node in nodes], threads=6)
        load.start()
        try:
            load.wait_for_progress(20)
            eventually("every node has handed mail over", lambda: len(self.workers()) == 3)
        finally:
            load.stop()
        self.assertEqual((load.refusals, load.unanswered), ({}, 0))
        assert_nothing_lost_or_doubled(self, load, maildir or nodes[0].maildir)

    def test_a_node_that_is_killed_is_stood_in_for(self):
        nodes = self.start_nodes(3)
        account = self.open_account(nodes[0])
        Load.prepare(account)
        load = Load(account, [node.url for node in nodes], threads=6)
        load.start()
        try:
            load.wait_for_progress(20)
            nodes[1].kill9()
            load.wait_for_progress(20)
        finally:
            load.stop()
        self.assertEqual(set(load.refusals) - {409}, set())
        assert_nothing_lost_or_doubled(self, load, nodes[0].maildir)

    def test_a_node_that_dies_with_a_claim_in_hand_loses_it_to_the_others(self):
        nodes = self.start_nodes(2)
        account = self.open_account(nodes[0])
        Load.prepare(account)
        nodes[0].stop()
        nodes[1].stop()
        nodes[0].restart(fault="dispatcher.handed_over=kill")  # the mail is there, its answer is not recorded
        load = Load(account, [node.url for node in nodes], threads=2)
        load.start()
        try:
            nodes[0].wait_until_killed()
            nodes[1].restart()
            load.wait_for_progress(4)
        finally:
            load.stop()
        assert_nothing_lost_or_doubled(self, load, nodes[1].maildir)


if __name__ == "__main__":
    unittest.main()

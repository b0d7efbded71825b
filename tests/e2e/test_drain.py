"""SIGTERM: what has begun is finished, what has not is refused, and nothing is left behind."""

import json
import time
import unittest

from support.client import draft, path_of, read_to_end
from support.load import Load, assert_nothing_lost_or_doubled
from support.maildir import Maildir
from support.peers import SmtpSink, plain_relay
from support.queue import approve_many
from support.relay import PostfixRelay, relay_settings
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually


@on_both_stores
class Drain:
    def test_under_load_nothing_is_lost_and_no_lease_is_left(self):
        self.stop_under_load()

    def test_under_load_a_relay_that_knows_no_repeats_gets_every_mail_once(self):
        relay = self.enterContext(PostfixRelay())
        self.stop_under_load(Maildir(relay.info["maildir"]), **relay_settings(relay))

    def stop_under_load(self, maildir=None, **settings):
        server = self.start_server(**settings)
        account = self.open_account(server)
        Load.prepare(account)
        load = Load(account, [server.url])
        load.start()
        try:
            for _ in range(2):
                load.wait_for_progress(10)
                server.terminate()
                self.assertEqual(server.wait_until_ended(), 0)
                self.assertEqual([line["clean"] for line in server.log_events("node.stopped")], ["yes"])
                self.assertEqual([row for row in self.open_submissions() if row[1] != "queued"], [])
                server.restart()
                self.assertEqual(server.log_events("dispatcher.rescued"), [], "no lease was left behind")
            load.wait_for_progress(10)
        finally:
            load.stop()
        self.assertEqual(load.refusals[500], 0)
        assert_nothing_lost_or_doubled(self, load, maildir or server.maildir)

    def stop_while_a_queue_drains(self, *, pause_seconds, stop_timeout_seconds):
        """A slow relay, a queue of 100 and a lease of an hour; the server is told to stop in the middle of it.
        Returns the sink, the messages, the server that has stopped, and what it left of the queue."""
        sink = self.enterContext(SmtpSink())
        sink.final_dot_pause_seconds = pause_seconds
        server = self.start_server(**plain_relay(sink.port), dispatcher__lease_seconds=3600,
                                   stop_timeout_seconds=stop_timeout_seconds)
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        ids = approve_many(account, 100)
        eventually("the relay has the first ones", lambda: sink.taken() >= 4)
        server.terminate()
        began = time.monotonic()
        self.assertEqual(server.wait_until_ended(), 0)
        self.assertLess(time.monotonic() - began, 300, "an answer to the final dot is waited for for 600 s")
        return sink, ids, server, self.open_submissions()

    def start_in_its_place(self, server, sink):
        """A node that knows nothing of the one before; on PostgreSQL it cannot tell its leases from a living one's."""
        sink.final_dot_pause_seconds = 0
        server.settings["dispatcher.lease_seconds"] = 3600
        server.restart()

    def test_a_stop_gives_back_what_it_has_not_begun_and_nobody_waits_for_a_lease(self):
        sink, ids, server, left = self.stop_while_a_queue_drains(pause_seconds=0.1, stop_timeout_seconds=600)
        self.assertEqual([line["clean"] for line in server.log_events("node.stopped")], ["yes"])
        self.assertEqual({state for _, state in left}, {"queued"})
        self.start_in_its_place(server, sink)
        self.wait_until_settled()
        self.assertEqual(sink.copies(), {(message, "someone@example.org"): 1 for message in ids})

    def test_a_relay_that_does_not_answer_holds_up_only_what_it_already_has(self):
        sink, ids, server, left = self.stop_while_a_queue_drains(pause_seconds=3600, stop_timeout_seconds=20)
        self.assertEqual([line["clean"] for line in server.log_events("node.stopped")], ["no"])
        taken = {message for message, _ in sink.copies()}
        under_way = {row[0] for row in self.store.rows("SELECT message_id FROM submissions WHERE state = 'handover'")}
        self.assertEqual(under_way, taken)
        self.assertEqual({state for _, state in left}, {"handover", "queued"}, "what was not begun is given back")
        self.start_in_its_place(server, sink)
        rest = set(ids) - taken
        eventually("the rest goes out", lambda: rest <= {message for message, _ in sink.copies()})
        self.assertEqual(set(sink.copies().values()), {1})

    def begin(self, client, method, path, body):
        """A connection whose request the server has begun to read, and the rest of its bytes."""
        data = client.raw(method, path, body, extra="Expect: 100-continue\r\n")
        head_end = data.index(b"\r\n\r\n") + 4
        connection = client.open_socket()
        self.addCleanup(connection.close)
        connection.sendall(data[:head_end])
        self.assertEqual(connection.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
        return connection, data[head_end:]

    def test_requests_that_have_begun_are_answered(self):
        server = self.start_server()
        account = self.open_account(server)
        account.create_agent(AGENT)
        messages = path_of("agents", AGENT, "messages")
        send, send_body = self.begin(account.client, "POST", messages, draft("Late"))
        ready, ready_body = self.begin(account.client, "GET", "/readyz", {})
        server.terminate()
        eventually("the server stops taking connections", lambda: self.refuses_connections(account.client))

        ready.sendall(ready_body)
        status, answer = self.read_answer(ready)
        self.assertEqual((status, json.loads(answer)["status"]), (503, "not_ready"))
        send.sendall(send_body)
        status, answer = self.read_answer(send)
        self.assertEqual(status, 202, answer)
        self.assertEqual(server.wait_until_ended(), 0)

        server.restart()
        message_id = json.loads(answer)["message_id"]
        self.wait_for_delivery_status(account, message_id, "sent")
        self.assertEqual(server.maildir.copies(), {message_id: 1})

    def test_a_client_that_never_finishes_does_not_hold_the_stop_up(self):
        server = self.start_server(stop_timeout_seconds=1)
        account = self.open_account(server)
        account.create_agent(AGENT)
        self.begin(account.client, "POST", path_of("agents", AGENT, "messages"), draft("Never"))
        server.terminate()
        self.assertEqual(server.wait_until_ended(), 0)
        self.assertEqual([line["clean"] for line in server.log_events("node.stopped")], ["no"])
        self.assertEqual(self.count("messages"), 0)

    def test_idle_connections_are_closed_at_once(self):
        server = self.start_server()
        client = self.open_account(server).client
        with client.open_socket() as idle:
            idle.sendall(client.raw("GET", "/v1/info"))
            self.assertIn(b" 200 ", idle.recv(65536))
            server.terminate()
            self.assertEqual(read_to_end(idle), b"")
        self.assertEqual(server.wait_until_ended(), 0)

    @staticmethod
    def refuses_connections(client):
        try:
            client.open_socket().close()
            return False
        except ConnectionError:
            return True

    @staticmethod
    def read_answer(connection):
        """Status and body; the connection ends with the answer while the server stops."""
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
        return int(head.split()[1]), body


if __name__ == "__main__":
    unittest.main()

"""A hand-over whose answer was lost, as its owner and its operator meet it: seen, and decided about once."""

import pathlib
import re
import unittest

from support.client import draft, path_of
from support.peers import SmtpSink, plain_relay
from support.postgres import free_port
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

REFUSED, USAGE = 1, 2
MANUAL = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operating.md"


@on_both_stores
class Unknown:
    def lose_one(self):
        """A message that the relay has taken and whose 250 never came; its hand-over."""
        self.sink = self.enterContext(SmtpSink())
        self.server = self.start_server(**plain_relay(self.sink.port), dispatcher__lease_seconds=1)
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)
        self.sink.lose_answers(1)
        self.message_id = self.account.send(AGENT, draft("Lost"))["message_id"]
        self.wait_for_delivery_status(self.account, self.message_id, "unknown")
        return self.account.ask(200, "GET", "/v1/handovers").json["items"][0]["id"]

    def copies(self):
        return self.sink.copies_of(self.message_id).total()

    def test_the_command_line_lists_shows_and_settles_it(self):
        handover = self.lose_one()
        listed = self.server.run("unknown", "list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn(handover, listed.stdout)
        self.assertIn("1 hand-over is unknown", listed.stdout)
        shown = self.server.run("unknown", "show", handover)
        for part in (self.message_id, AGENT, "someone@example.org", "final_dot"):
            self.assertIn(part, shown.stdout)
        resolved = self.server.run("unknown", "resolve", handover, "--as", "sent", "--note", "seen in its log")
        self.assertEqual(resolved.returncode, 0, resolved.stdout)
        self.assertIn("seen in its log", resolved.stdout)
        self.assertEqual(self.account.message(AGENT, self.message_id)["delivery_status"], "sent")
        self.assertEqual(self.copies(), 1)
        self.assertIn("no hand-over is unknown", self.server.run("unknown", "list").stdout)

    def test_what_a_restored_database_would_send_again_is_unknown_after_what_the_manual_says(self):
        sink = self.enterContext(SmtpSink())
        server = self.start_server(**plain_relay(free_port()))  # where nobody listens
        server.expect_errors("dispatcher.provider_unavailable")
        account = self.open_account(server)
        account.create_agent(AGENT)
        message_id = account.send(AGENT, draft("Queued in the backup, and sent since"))["message_id"]
        eventually("it is known that the relay is away", lambda: server.log_events("dispatcher.provider_unavailable"))
        server.stop()
        [statement] = re.findall(r"```sql\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
        self.store.execute(statement)
        server.settings.update({"smtp.port": sink.port})
        server.restart()
        self.wait_for_delivery_status(account, message_id, "unknown")
        [handover] = account.ask(200, "GET", "/v1/handovers").json["items"]
        server.check()
        done = server.run("unknown", "resolve", handover["id"], "--as", "sent")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sink.copies_of(message_id).total(), 0)

    def test_the_command_line_refuses_what_cannot_be_decided(self):
        handover = self.lose_one()
        self.assertEqual(self.server.run("unknown", "resolve", handover, "--as", "perhaps").returncode, USAGE)
        self.assertEqual(self.server.run("unknown", "show", "sub_none").returncode, REFUSED)
        self.assertEqual(self.server.run("unknown", "resolve", handover, "--as", "give_up").returncode, 0)
        again = self.server.run("unknown", "resolve", handover, "--as", "send_again")
        self.assertEqual(again.returncode, REFUSED)
        self.assertIn("nothing was changed", again.stderr)
        self.assertEqual(self.copies(), 1)

    def test_sent_again_by_its_owner_it_arrives_once_more_and_no_more_often(self):
        handover = self.lose_one()
        self.account.ask(200, "POST", path_of("handovers", handover, "resolve"), {"as": "send_again"})
        self.wait_for_delivery_status(self.account, self.message_id, "sent")
        self.wait_until_settled()
        self.assertEqual(self.copies(), 2, "the relay had the first one, which nobody knew")

    def test_an_agent_that_resends_does_so_by_itself_after_its_grace(self):
        self.lose_one()
        self.account.ask(200, "PUT", path_of("agents", AGENT, "delivery-policy"),
                         {"on_unknown": "resend", "unknown_grace_seconds": 0})
        self.wait_for_delivery_status(self.account, self.message_id, "sent")
        self.assertEqual(self.copies(), 2)
        handovers = self.account.ask(200, "GET", f"/v1/handovers?message_id={self.message_id}").json["items"]
        self.assertEqual([(one["state"], one.get("settled_by")) for one in handovers],
                         [("superseded", "policy"), ("accepted", "reply")])

    def test_left_alone_it_stays_unknown_over_a_restart(self):
        self.lose_one()
        self.server.stop()
        self.server.restart()
        other = self.account.send(AGENT, draft("The next"))["message_id"]
        self.wait_for_delivery_status(self.account, other, "sent")
        self.assertEqual(self.account.message(AGENT, self.message_id)["delivery_status"], "unknown")
        self.assertEqual(self.copies(), 1)
        eventually("the gauge counts it", lambda: "countersign_submissions_unknown 1" in self.metrics())

    def metrics(self):
        return self.account.client.request("GET", "/metrics").body.decode()


if __name__ == "__main__":
    unittest.main()

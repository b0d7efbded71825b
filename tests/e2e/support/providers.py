"""The stand-ins of tests/support for providers over HTTP, and what scenarios with them have in common."""

import sys
from pathlib import Path

from support.client import draft
from support.postgres import free_port
from support.scenario import AGENT
from support.waiting import eventually

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from resend_stand_in import ResendStandIn  # noqa: E402
from ses_stand_in import SesStandIn  # noqa: E402

__all__ = ["OverHttp", "ResendStandIn", "SesStandIn"]


class OverHttp:
    """Mixin of a scenario whose mail leaves to `self.provider`, a stand-in of its own for every test."""

    stand_in = None  # the class

    def setUp(self):
        super().setUp()
        self.provider = self.enterContext(self.stand_in(port=free_port()))  # it may come back to its port

    def provider_settings(self):
        raise NotImplementedError

    def start(self, **changes):
        self.server = self.start_server(**{**self.provider_settings(), **changes})
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT, "Ada's agent")

    def restart_without(self, setting):
        """Its default is in force again."""
        self.server.stop()
        del self.server.settings[setting]
        self.server.restart()

    def send(self, subject, **more):
        return self.account.send(AGENT, draft(subject, **more))["message_id"]

    def copies(self, message_id):
        return self.provider.copies(message_id)

    def wait(self, message_id, *statuses):
        return self.wait_for_delivery_status(self.account, message_id, *statuses)

    def attempts(self):
        """Number and state of every attempt."""
        return self.store.rows("SELECT attempt, state FROM submissions ORDER BY message_id, attempt")

    def stored_raw(self, message_id):
        """The bytes of the message as they were decided on."""
        as_hex = "hex(raw)" if self.store.kind == "sqlite" else "encode(raw, 'hex')"
        query = f"SELECT {as_hex} FROM message_contents WHERE message_id = '{message_id}'"
        return bytes.fromhex(self.store.rows(query)[0][0])

    def a_later_mail_arrives(self):
        """Whatever would have been sent again is there by then."""
        later = self.send("Later")
        self.wait(later, "sent")
        self.assertEqual(len(self.copies(later)), 1)

    def assert_one_alarm_and_then_all_is_delivered(self, put_right, count=25):
        """Credentials are wrong: `count` messages wait, none fails and none loses an attempt."""
        self.server.expect_errors("dispatcher.provider_unavailable")
        messages = [self.send(f"Patient {number}") for number in range(count)]
        eventually("the log says that the provider cannot be used",
                   lambda: self.server.log_events("dispatcher.provider_unavailable"))
        eventually("it was tried again", lambda: sum(self.provider.counts.values()) >= 2)
        self.assertEqual(len(self.server.log_events("dispatcher.provider_unavailable")), 1)
        self.assertEqual(self.provider.accepted, [])
        states = {self.account.message(AGENT, message)["delivery_status"] for message in messages}
        self.assertLessEqual(states, {"accepted", "sending"})
        put_right()
        for message in messages:
            self.wait(message, "sent")
        self.assertEqual({tuple(attempt) for attempt in self.attempts()}, {("1", "accepted")})
        self.assertEqual([len(self.copies(message)) for message in messages], [1] * count)

    def kill_at(self, fault):
        """A message whose hand-over met its end at `fault`; the server runs again."""
        self.start(dispatcher__lease_seconds=1)
        self.account.hold_everything(AGENT)
        message_id = self.send("Once")
        self.server.stop()
        self.server.restart(fault=fault)
        self.approve_and_die(self.server, self.account, message_id)
        self.account.protect(AGENT, {"policy": "open", "action": "review", "allowlist": []})
        return message_id

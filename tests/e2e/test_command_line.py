"""The program as its operator meets it: first account, plain messages, exit statuses."""

import os
import socket
import stat
import unittest

from support.client import Client, draft
from support.postgres import free_port
from support.scenario import AGENT, on_both_stores, on_sqlite
from support.server import run_program

USAGE, ENVIRONMENT, REFUSED = 2, 3, 1


@on_both_stores
class CommandLine:
    def test_bootstrap_prints_a_key_that_works_and_refuses_a_second_account_for_the_address(self):
        server = self.start_server()
        first = server.run("bootstrap", "owner@example.com")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, r"\Ae2a_acct_[0-9a-f]{64}\n\Z")
        account = Client(server.url, first.stdout.strip()).request("GET", "/v1/account").json
        self.assertEqual((account["user"]["email"], account["scope"]), ("owner@example.com", "account"))

        for spelling in ("owner@example.com", "Owner@Example.COM"):
            second = server.run("bootstrap", spelling)
            self.assertEqual(second.returncode, REFUSED)
            self.assertIn("there is an account for owner@example.com already", second.stdout + second.stderr)
        self.assertEqual((self.count("users"), self.count("api_keys")), (1, 1))

        for nonsense in ("not an address", "", "Name <a@example.com>"):
            refused = server.run("bootstrap", nonsense)
            self.assertEqual(refused.returncode, REFUSED, nonsense)
        self.assertEqual(self.count("users"), 1)

    def test_the_store_keeps_no_key_and_the_log_keeps_no_secret(self):
        server = self.start_server(log__level="debug")
        account = self.open_account(server)
        account.create_agent(AGENT)
        key = account.agent_key(AGENT)
        account.send(AGENT, {**draft("Subject of the mail"), "text": "a body that is nobody's business"})
        for secret in (account.client.key, key, "nobody's business"):
            self.assertNotIn(secret, server.log_text())
        hashes = self.store.rows("SELECT key_hash, key_prefix FROM api_keys")
        for row in hashes:
            self.assertNotIn(account.client.key, row)
            self.assertNotIn(key, row)
        secret_file = server.data_dir / "secret"
        self.assertEqual(stat.S_IMODE(os.stat(secret_file).st_mode), 0o600)

    def test_every_fault_in_the_settings_is_reported_at_once_and_nothing_starts(self):
        server = self.start_server()
        done = run_program("serve", settings={**server.settings, "smtp.hots": "relay", "http.threads": 0,
                                              "store.url": "mysql://x", "data_dir": self.directory / "new"})
        self.assertEqual(done.returncode, USAGE)
        for part in ('"smtp.hots"', '"smtp.host"', "http.threads", "store.url", "nothing was started"):
            self.assertIn(part, done.stderr)
        self.assertFalse((self.directory / "new").exists())

    def test_an_unknown_key_in_the_file_is_reported_with_its_line(self):
        file = self.directory / "countersign.toml"
        file.write_text("[http]\nlisten = '127.0.0.1:0'\n\n[dispatcher]\nleese_seconds = 3\n")
        server = self.start_server()
        done = run_program("serve", f"--config={file}", settings={"data_dir": self.directory / "new"})
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(f"{file}:5", done.stderr)
        self.assertIn("dispatcher.leese_seconds", done.stderr)
        self.assertTrue(server.is_ready())

    def test_a_port_in_use_is_reported(self):
        server = self.start_server()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            other = {**server.settings, "http.listen": f"127.0.0.1:{port}"}
            if self.store_kind == "sqlite":
                server.stop()  # only one may serve a data directory
            done = run_program("serve", settings=other)
        self.assertEqual(done.returncode, ENVIRONMENT)
        self.assertIn(f"127.0.0.1 port {port}", done.stderr)
        self.assertIn("in use", done.stderr)

    def test_a_database_that_cannot_be_reached_or_made_is_reported(self):
        server = self.start_server()
        unreachable = f"postgres://somebody:s3cret@127.0.0.1:{free_port()}/mail"
        blocked = self.directory / "a-file"
        blocked.write_text("")
        for settings in ({"store.url": unreachable}, {"store.url": f"sqlite:{blocked}/x.db"},
                         {"data_dir": blocked / "data"}):
            done = run_program("check", settings={**server.settings, **settings, "store.deadline_ms": 1000})
            self.assertEqual(done.returncode, ENVIRONMENT, done.stdout + done.stderr)
            self.assertNotEqual(done.stderr.strip(), "")
            self.assertNotIn("s3cret", done.stdout + done.stderr)

    def test_check_gives_a_readable_verdict_beside_a_running_server(self):
        server = self.start_server()
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.send(AGENT, draft("Sent"))
        self.wait_until_settled()
        verdict = server.run("check")
        self.assertEqual(verdict.returncode, 0)
        self.assertIn("store: ", verdict.stdout)

    def test_check_finds_a_broken_promise(self):
        server = self.start_server()
        account = self.open_account(server)
        account.create_agent(AGENT)
        account.hold_everything(AGENT)
        message_id = account.send(AGENT, draft("Held"))["message_id"]
        # As if it had been handed over without anybody's approval.
        self.store.execute("INSERT INTO submissions (id, message_id, user_id, attempt, state, "
                           "first_due_at_us, due_at_us, first_fenced_at_us, fenced_at_us, settled_at_us, "
                           "created_at_us) SELECT 'sub_forged', id, user_id, 1, 'accepted', 1, 1, 1, 1, 1, 1 "
                           f"FROM messages WHERE id = '{message_id}'")
        verdict = server.run("check")
        self.assertEqual(verdict.returncode, REFUSED, verdict.stdout)
        self.assertIn(message_id, verdict.stdout)
        self.store.execute("DELETE FROM submissions WHERE id = 'sub_forged'")

    def test_help_and_version(self):
        self.start_server()
        self.assertRegex(run_program("version").stdout, r"^countersign \d+\.\d+\.\d+\n$")
        for arguments in (["--help"], ["serve", "--help"], ["check", "--help"], ["bootstrap", "--help"]):
            done = run_program(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertGreater(len(done.stdout), 200)
        self.assertEqual(run_program("frobnicate").returncode, USAGE)


@on_sqlite
class DataDirectory:
    def test_a_second_server_on_it_is_refused_and_the_first_goes_on(self):
        server = self.start_server()
        second = run_program("serve", settings={**server.settings, "http.listen": "127.0.0.1:0"})
        self.assertEqual(second.returncode, ENVIRONMENT)
        self.assertIn(f"another countersign serves {self.directory}", second.stderr)
        self.assertTrue(server.is_ready())

    def test_it_is_free_again_after_a_kill(self):
        server = self.start_server()
        server.kill9()
        server.restart()


if __name__ == "__main__":
    unittest.main()

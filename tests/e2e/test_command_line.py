"""The program as its operator meets it: first account, plain messages, exit statuses."""

import contextlib
import os
import socket
import sqlite3
import stat
import subprocess
import unittest

from support.client import Client, draft
from support.postgres import free_port
from support.scenario import AGENT, on_both_stores, on_sqlite
from support.server import arguments_of, binary, environment, run_program
from support.waiting import eventually

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
            self.assertEqual(second.stdout, "", "no script takes a refusal for a key")
            self.assertIn("there is an account for owner@example.com already", second.stderr)
            self.assertIn("countersign account set-password owner@example.com", second.stderr, "the way out")
        self.assertEqual((self.count("users"), self.count("api_keys")), (1, 1))

        for nonsense in ("not an address", "", "Name <a@example.com>"):
            refused = server.run("bootstrap", nonsense)
            self.assertEqual(refused.returncode, REFUSED, nonsense)
        self.assertEqual(self.count("users"), 1)

    def test_a_key_that_could_not_be_written_is_a_failure(self):
        server = self.start_server()
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([binary(), "bootstrap", "owner@example.com", *arguments_of(server.settings)],
                                  env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=120,
                                  check=False)
        self.assertEqual(done.returncode, ENVIRONMENT)
        self.assertIn("its key could not be written", done.stderr)

    def test_a_command_for_another_store_than_the_servers_makes_none(self):
        self.start_server()
        elsewhere = {"data_dir": self.directory / "elsewhere"}
        for command in (["check"], ["unknown", "list"], ["unknown", "show", "sub_1"],
                        ["unknown", "resolve", "sub_1", "--as=sent"], ["dkim", "list"], ["dkim", "create", "a.example"],
                        ["dkim", "retire", "a.example", "e2a202611"], ["account", "set-password", "owner@example.com"]):
            done = run_program(*command, settings=elsewhere, stdin="another horse battery\n")
            self.assertEqual(done.returncode, ENVIRONMENT, command)
            self.assertIn(f"there is no database at {self.directory}/elsewhere/countersign.db", done.stderr, command)
            self.assertEqual(done.stdout, "", command)
        self.assertFalse((self.directory / "elsewhere").exists())

    def test_a_list_says_on_standard_error_which_store_it_is_of(self):
        server = self.start_server()
        for command in (("unknown", "list"), ("dkim", "list")):
            done = server.run(*command)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("store: ", done.stderr)
            self.assertNotIn("store: ", done.stdout)

    def test_settings_of_a_trial_are_warned_of_where_mail_leaves(self):
        trial = self.start_server()
        for event in ("node.trial_domain", "node.no_public_url", "node.no_bounce_maildir"):
            self.assertEqual(trial.log_events(event), [])
        # Of a store that other nodes may share, the secret should be shared as well.
        self.assertEqual(len(trial.log_events("node.own_secret")), int(self.store_kind == "postgres"))
        trial.stop()
        trial.settings.update({"smtp.host": "127.0.0.1", "notifications.enabled": "true",
                               "feedback.bounce_maildir": self.directory / "bounces"})
        trial.restart()
        for event in ("node.trial_domain", "node.no_public_url", "node.no_bounce_maildir"):
            self.assertEqual(len(trial.log_events(event)), 1, event)

    def test_a_terminal_that_goes_away_stops_it_in_good_order(self):
        server = self.start_server()
        server.hang_up()
        self.assertEqual(server.wait_until_ended(), 0)
        self.assertEqual(server.log_events("node.stopping")[0]["signal"], "SIGHUP")

    def test_it_goes_on_when_nobody_reads_its_log(self):
        server = self.start_server()
        server.stop()
        process = subprocess.Popen([binary(), "serve", *arguments_of({**server.settings, "log.level": "debug"})],
                                   env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        try:
            for line in process.stderr:
                if b"node.serving" in line:
                    break
            process.stderr.close()
            eventually("it is ready", server.is_ready)
            process.terminate()  # which is logged
            self.assertEqual(process.wait(timeout=60), 0)
        finally:
            process.kill()
            process.wait()

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
        self.assertIn("in use; choose another with --set http.listen=", done.stderr)

    def test_a_database_that_cannot_be_reached_or_made_is_reported(self):
        server = self.start_server()
        unreachable = f"postgres://somebody:s3cret@127.0.0.1:{free_port()}/mail"
        blocked = self.directory / "a-file"
        blocked.write_text("")
        for command, settings in (("check", {"store.url": unreachable}),
                                  ("check", {"store.url": f"sqlite:{blocked}/x.db"}),
                                  ("serve", {"data_dir": blocked / "data"})):
            done = run_program(command, settings={**server.settings, **settings, "store.deadline_ms": 1000})
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

    def test_a_second_server_on_its_database_is_refused_from_wherever(self):
        server = self.start_server()
        second = run_program("serve", settings={**server.settings, "http.listen": "127.0.0.1:0",
                                                "data_dir": self.directory / "other"})
        self.assertEqual(second.returncode, ENVIRONMENT)
        self.assertIn("another countersign serves", second.stderr)

    def test_a_store_that_takes_no_writes_is_not_ready(self):
        server = self.start_server(store__deadline_ms=500)
        path = self.store.url.removeprefix("sqlite:")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = eventually("it is not ready", lambda: self.not_ready(server))
            self.assertEqual(answer.json["status"], "not_ready")
            other.execute("ROLLBACK")
        eventually("it is ready again", server.is_ready)

    @staticmethod
    def not_ready(server):
        answer = Client(server.url).request("GET", "/readyz")
        return answer if answer.status == 503 else None

    def test_it_is_free_again_after_a_kill(self):
        server = self.start_server()
        server.kill9()
        server.restart()


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The simulator as a program: the same seed in two processes, exit statuses, JSON, help.

    command_line_test.py COUNTERSIGN-SIM
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=900, check=False)


class CommandLineTest(unittest.TestCase):
    def test_the_same_seed_in_two_processes_is_the_same_to_the_letter(self):
        for seed in ("3", "17", "80"):
            first, second = run("--seed", seed), run("--seed", seed)
            self.assertEqual(first.returncode, 0, first.stdout)
            self.assertEqual(first.stdout, second.stdout)
            self.assertRegex(first.stdout, rf"seed {seed}, hash [0-9a-f]{{16}}: no violation")

    def test_a_range_says_what_it_counted(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "counts.json")
            done = run("--from", "1", "--count", "50", "--jobs", "2", "--json", str(file))
            self.assertEqual(done.returncode, 0, done.stdout)
            counts = json.loads(file.read_text(encoding="utf-8"))
        self.assertEqual(counts["schedules"], 50)
        self.assertEqual((counts["duplicates"], counts["losses"], counts["split_states"]), (0, 0, 0))
        self.assertGreater(counts["hand_overs"], 0)

    def test_a_caught_mutant_names_its_seed_and_how_to_see_it_again(self):
        done = run("--mutant", "resend-on-lost-reply", "--count", "2000")
        self.assertEqual(done.returncode, 0, done.stdout)
        seed = done.stdout.split(":", 1)[0].removeprefix("seed ")
        again = f"countersign-sim --seed {seed} --mutant resend-on-lost-reply"
        self.assertIn(again, done.stdout)
        replayed = run("--seed", seed, "--mutant", "resend-on-lost-reply")
        self.assertEqual(replayed.returncode, 0)
        self.assertIn("VIOLATED", replayed.stdout)

    def test_a_mutant_that_is_not_caught_is_a_failure(self):
        self.assertEqual(run("--mutant", "no-epoch-check", "--count", "1").returncode, 1)

    def test_what_it_does_not_understand_is_refused(self):
        for arguments in (["--mutant", "none-such"], ["--seed", "x"], ["--count", "0"], ["--seed", "1", "--from", "2"]):
            self.assertEqual(run(*arguments).returncode, 2, arguments)

    def test_help_explains_it(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("--seed", "--mutant", "Exit status"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main()

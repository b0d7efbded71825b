"""failures.py says why tests of a real run of ctest failed, and says nothing of the others."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

FAILURES = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib" / "failures.py"


class Failures(unittest.TestCase):
    def said_of(self, *, seconds_max=300, **scripts):
        """What is said of a run of these tests (name → shell script)."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            lines = []
            for name, script in scripts.items():
                (root / name).write_text(script)
                lines.append(f'add_test({name} "/bin/sh" "{root / name}")\n')
            (root / "CTestTestfile.cmake").write_text("".join(lines))
            subprocess.run(["ctest", "--timeout", str(seconds_max)], cwd=root, capture_output=True, check=False)
            return subprocess.run(
                [sys.executable, FAILURES, root], capture_output=True, text=True, check=True).stdout

    def test_nothing_of_a_run_that_passed(self):
        self.assertEqual(self.said_of(good="echo fine"), "")

    def test_the_end_of_what_a_program_printed(self):
        said = self.said_of(good="echo fine", bad="seq 1000 1999; exit 1")
        self.assertIn("== bad failed", said)
        self.assertIn("1999", said)
        self.assertNotIn("1900", said)
        self.assertNotIn("good", said)

    def test_the_cases_that_failed_and_the_one_that_killed_the_program(self):
        said = self.said_of(suite="""
            echo "[ RUN      ] A.Passes"; echo fine; echo "[       OK ] A.Passes (1 ms)"
            echo "[ RUN      ] A.Fails"; echo wrong; echo "[  FAILED  ] A.Fails (1 ms)"
            echo "[ RUN      ] A.Kills"; echo overflow; kill -SEGV $$
        """)
        self.assertIn("wrong", said)
        self.assertIn("overflow", said)
        self.assertNotIn("fine", said)

    def test_a_long_case_keeps_its_beginning_and_its_end(self):
        said = self.said_of(suite="""
            echo "[ RUN      ] A.Fails"; seq 1000 1999; echo "[  FAILED  ] A.Fails (1 ms)"; exit 1
        """)
        for line in ("A.Fails", "1000", "1999", "962 lines"):
            self.assertIn(line, said)
        self.assertNotIn("1500", said)

    def test_one_that_took_too_long(self):
        said = self.said_of(seconds_max=30, slow="echo begun; exec sleep 3600")
        self.assertIn("== slow failed", said)
        self.assertIn("begun", said)


if __name__ == "__main__":
    unittest.main()

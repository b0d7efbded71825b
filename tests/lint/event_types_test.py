"""The table of events in docs/events.md has every type of the contract, and says truly which of them occur."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/e2e"))

from support.event_types import contract_types, documented  # noqa: E402


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


class EventTypes(unittest.TestCase):
    def setUp(self):
        self.rows = documented()
        self.types = [one.type for one in self.rows]

    def test_every_type_of_the_contract_is_in_the_table_once_and_one_of_our_own(self):
        self.assertEqual(sorted(self.types), sorted(contract_types() | {"email.unknown"}))

    def test_what_occurs_is_what_the_code_can_write(self):
        names = re.search(r"std::string_view name_of\(EventType type\) \{(.*?)\n\}", read("src/journal/journal.cpp"),
                          re.DOTALL).group(1)
        self.assertEqual(sorted(one.type for one in self.rows if one.occurs),
                         sorted(re.findall(r'return "([^"]+)"', names)))

    def test_every_type_that_can_be_written_is(self):
        body = re.search(r"enum class EventType[^{]*\{([^}]*)\}", read("src/journal/journal.hpp")).group(1)
        sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.cpp"))
                            if path.name != "journal.cpp" and not path.stem.endswith("_test"))
        types = re.findall(r"^  (\w+),", body, re.MULTILINE)
        self.assertEqual(len(types), len([one for one in self.rows if one.occurs]))
        self.assertEqual([one for one in types if f"EventType::{one}" not in sources], [])

    def test_what_occurs_is_shown_by_tests_that_exist(self):
        gtests = {f"{suite}.{name}" for folder in ("src", "tests") for path in sorted((ROOT / folder).rglob("*_test.cpp"))
                  for suite, name in re.findall(r"TEST(?:_[FP])?\((\w+), (\w+)\)", path.read_text(encoding="utf-8"))}
        scenarios = {f"{path.stem}.{name}" for path in sorted((ROOT / "tests/e2e").glob("test_*.py"))
                     for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
        for one in self.rows:
            self.assertEqual(bool(one.tests), one.occurs, one)
            self.assertEqual([test for test in one.tests if test not in gtests | scenarios], [], one.type)


if __name__ == "__main__":
    unittest.main()

"""Statements are prepared under their names, so that each name stands for one text (src/store/query.hpp)."""

import collections
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

DEFINITION = re.compile(r'\bQuery(?:\s+k\w+)?\s*[({]\s*"([^"]+)"')
DRIVERS = ("src/store/sqlite/", "src/store/postgres/")
# Files of a driver repeat these, with the same text.
REPEATED = {"store.begin", "store.begin_read", "store.commit", "store.lock"}


class StatementNames(unittest.TestCase):
    def setUp(self):
        self.places = collections.defaultdict(list)
        for path in sorted((ROOT / "src").rglob("*.[ch]pp")):
            if path.stem.endswith("_test"):
                continue
            for name in DEFINITION.findall(path.read_text(encoding="utf-8")):
                self.places[name].append(path.relative_to(ROOT).as_posix())

    def test_definitions_are_found(self):
        self.assertGreater(len(self.places), 300)

    def test_no_two_statements_have_one_name(self):
        for driver in DRIVERS:  # what the other one prepares is on other connections
            other = tuple(one for one in DRIVERS if one != driver)
            twice = {}
            for name, places in self.places.items():
                here = [place for place in places if not place.startswith(other)]
                if len(here) > 1 and name not in REPEATED:
                    twice[name] = here
            self.assertEqual(twice, {}, driver)

    def test_names_tell_the_module_and_the_statement(self):
        for name, places in self.places.items():
            self.assertRegex(name, r"^[a-z_]+\.[a-z_]+$", places)


if __name__ == "__main__":
    unittest.main()

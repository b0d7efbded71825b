"""The fault points in the code, the list that torture works through, and the documentation name the same ones."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/torture"))

from boundaries import ACCEPT, LISTEN, NOTIFY, POINTS, RECEIVE, SETTLE, STORE, TELL, UNDO, boundaries  # noqa: E402

IN_CODE = re.compile(r'CS_FAULT\("([^"]*)"\)')
IN_TABLE = re.compile(r"^\| `([a-z_.]+)` \|", re.MULTILINE)


class FaultPoints(unittest.TestCase):
    def setUp(self):
        self.used = [name for path in sorted((ROOT / "src").rglob("*.[ch]pp"))
                     for name in IN_CODE.findall(path.read_text(encoding="utf-8"))]

    def test_every_point_in_the_code_is_in_the_list_and_no_other(self):
        self.assertEqual(sorted(set(self.used)), sorted(POINTS))

    def test_a_name_stands_for_one_place_of_each_store(self):
        twice = {name for name in self.used if self.used.count(name) > (2 if POINTS[name][0] == STORE else 1)}
        self.assertEqual(twice, set())

    def test_names_tell_the_module_and_the_moment(self):
        for name in self.used:
            self.assertRegex(name, r"^[a-z]+\.[a-z_]+$")

    def test_the_documentation_lists_every_point(self):
        text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
        self.assertEqual(sorted(set(IN_TABLE.findall(text))), sorted(POINTS))

    def test_every_point_of_a_message_on_its_way_is_a_row_of_the_torture_table(self):
        rows = {part for boundary in boundaries() for part in boundary.fault.split(">")}
        aside = (ACCEPT, RECEIVE, SETTLE, TELL, LISTEN, NOTIFY, UNDO)
        on_the_way = {name for name, (stage, _, _) in POINTS.items() if stage not in aside}
        self.assertEqual(on_the_way - rows - {"smtp.starttls"}, set())

    def test_a_server_is_killed_at_every_point_of_an_undo(self):
        killed = (ROOT / "tests/e2e/test_console.py").read_text(encoding="utf-8")
        for name, (stage, _, _) in POINTS.items():
            if stage == UNDO:
                self.assertIn(f'"{name}', killed)

    def test_the_receiver_is_killed_at_every_point_of_receiving(self):
        killed = (ROOT / "tests/e2e/test_receive_crash.py").read_text(encoding="utf-8")
        for name, (stage, _, _) in POINTS.items():
            if stage == RECEIVE:
                self.assertIn(f'"{name}', killed)

    def test_the_courier_is_killed_at_every_point_of_telling(self):
        killed = (ROOT / "tests/e2e/test_webhooks.py").read_text(encoding="utf-8")
        for name, (stage, _, _) in POINTS.items():
            if stage == TELL:
                self.assertIn(f'"{name}', killed)

    def test_the_notifier_is_killed_at_every_point_of_notifying(self):
        killed = (ROOT / "tests/e2e/test_reviewer_mail.py").read_text(encoding="utf-8")
        for name, (stage, _, _) in POINTS.items():
            if stage == NOTIFY:
                self.assertIn(f'"{name}', killed)

    def test_a_node_is_killed_at_every_point_of_listening(self):
        killed = (ROOT / "tests/e2e/test_websocket.py").read_text(encoding="utf-8")
        for name, (stage, _, _) in POINTS.items():
            if stage == LISTEN:
                self.assertIn(f'"{name}', killed)


if __name__ == "__main__":
    unittest.main()

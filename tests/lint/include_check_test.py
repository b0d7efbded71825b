"""include_check.py finds each kind of fault, and only those."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parent.parent / "include_check.py"
MODULES = """{
  "base": {"layer": 0, "depends": []},
  "net": {"layer": 1, "depends": ["base"]},
  "store": {"layer": 1, "depends": ["base"]},
  "outbox": {"layer": 5, "depends": ["base", "store"]},
  "hold": {"layer": 6, "depends": ["base", "outbox"]},
  "agent": {"layer": 8, "depends": ["base", "net", "hold"]},
  "provider": {"layer": 8, "depends": ["base", "net", "agent"]}
}"""


class IncludeCheck(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        (self.root / "modules.json").write_text(MODULES)

    def check(self, **files):
        """Runs the check over src/ with these files ("module__name" → content)."""
        for name, content in files.items():
            path = self.root / "src" / (name.replace("__", "/") + ".cpp")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return subprocess.run(
            [sys.executable, CHECK, self.root / "modules.json", self.root / "src"],
            capture_output=True, text=True, check=False)

    def assert_fault(self, result, place, reason):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(place, result.stdout)
        self.assertIn(reason, result.stdout)

    def test_accepts_declared_downward_and_own_includes(self):
        result = self.check(hold__gate='#include "hold/gate.hpp"\n#include "outbox/outbox.hpp"\n#include <vector>\n',
                            net__server="#include <boost/asio/io_context.hpp>\n")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_refuses_what_is_not_declared(self):
        result = self.check(hold__gate='#pragma once\n#include "store/tx.hpp"\n')
        self.assert_fault(result, "hold/gate.cpp:2", "does not declare that it depends on store")

    def test_refuses_upward(self):
        self.assert_fault(self.check(outbox__a='#include "hold/gate.hpp"\n'), "outbox/a.cpp:1", "may not include hold")

    def test_refuses_sideways(self):
        self.assert_fault(self.check(store__a='#include "net/a.hpp"\n'), "store/a.cpp:1", "may not include net")

    def test_refuses_an_edge_in_an_edge_even_when_declared(self):
        result = self.check(provider__a='# include "agent/rest.hpp"\n')
        self.assert_fault(result, "provider/a.cpp:1", "edges never include each other")

    def test_refuses_network_headers_in_the_middle(self):
        for header in ("boost/asio.hpp", "boost/asio/io_context.hpp", "boost/beast/http.hpp", "sys/socket.h"):
            with self.subTest(header):
                self.assert_fault(self.check(outbox__a=f"#include <{header}>\n"), "outbox/a.cpp:1", "durable middle")

    def test_refuses_unknown_modules_and_short_names(self):
        self.assert_fault(self.check(base__a='#include "nothing/a.hpp"\n'), "base/a.cpp:1", "no module nothing")
        self.assert_fault(self.check(base__a='#include "log.hpp"\n'), "base/a.cpp:1", 'as "base/log.hpp"')

    def test_lets_tests_and_only_them_use_the_test_support(self):
        include = '#include "support/stores.hpp"\n'
        self.assertEqual(self.check(store__a_test=include, net__relay_fixture=include).returncode, 0)
        self.assert_fault(self.check(store__a=include), "store/a.cpp:1", "no module support")

    def test_reports_every_fault(self):
        result = self.check(store__a='#include "net/a.hpp"\n#include "hold/a.hpp"\n', outbox__b='#include "hold/a.hpp"\n')
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stdout.splitlines()), 3, result.stdout)


if __name__ == "__main__":
    unittest.main()

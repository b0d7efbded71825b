"""Every metric that docs/metrics.md promises is fed by the program: a number that stands still misleads."""

import pathlib
import re
import unittest

SRC = pathlib.Path(__file__).resolve().parent.parent.parent / "src"


class MetricsAreFed(unittest.TestCase):
    def test_every_metric_is_used_outside_its_definition(self):
        header = (SRC / "base" / "metrics.hpp").read_text(encoding="utf-8")
        body = re.search(r"enum class Metric[^{]*\{([^}]*)\}", header).group(1)
        metrics = re.findall(r"\b([a-z]\w+)\b", body)
        self.assertGreater(len(metrics), 0)
        users = "\n".join(
            path.read_text(encoding="utf-8") for path in sorted(SRC.rglob("*.cpp"))
            if not path.name.startswith("metrics") and not path.stem.endswith("_test"))
        self.assertEqual([name for name in metrics if f"Metric::{name}" not in users], [])


if __name__ == "__main__":
    unittest.main()

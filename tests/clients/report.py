"""Runs exercises for one client after the other and prints which operations worked with which.

    report.py run CLIENT MODULE RESULTS    runs the tests of MODULE; adds `CLIENT operation outcome` lines
    report.py table RESULTS OPENAPI        prints the table; fails when a cell failed or a row is empty
"""

import json
import sys
import unittest


class _Result(unittest.TextTestResult):
    """Keeps, for every operation, whether all tests passed that exercise it."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.outcomes = {}

    def stopTest(self, test):
        super().stopTest(test)
        bad = {id(getattr(case, "test_case", case)) for case, _ in (*self.failures, *self.errors)}
        method = getattr(test, test.id().rpartition(".")[2])
        for operation in method.operations:
            self.outcomes[operation] = self.outcomes.get(operation, True) and id(test) not in bad


def run(client, module, results):
    tests = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=_Result).run(tests)
    with open(results, "a", encoding="utf-8") as file:
        for operation, passed in result.outcomes.items():
            print(client, operation, "ok" if passed else "failed", sep="\t", file=file)
    return result.wasSuccessful() and result.testsRun > 0


def table(results, openapi):
    cells = {}
    with open(results, encoding="utf-8") as file:
        for client, operation, outcome in (line.rstrip("\n").split("\t") for line in file):
            cells[operation, client] = outcome
    clients = list(dict.fromkeys(client for _, client in cells))
    with open(openapi, encoding="utf-8") as file:
        operations = [operation["operationId"] for path in json.load(file)["paths"].values()
                      for operation in path.values() if "operationId" in operation]
    rows = [("operation", *clients)]
    for operation in operations:
        rows.append((operation, *(cells.get((operation, client), "-") for client in clients)))
    for row in rows:
        print("".join(f"{cell:<22}" for cell in row).rstrip())
    exercised = {operation for operation, _ in cells}
    return "failed" not in cells.values() and exercised.issuperset(operations)


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "run":
        sys.exit(0 if run(*sys.argv[2:]) else 1)
    if len(sys.argv) == 4 and sys.argv[1] == "table":
        sys.exit(0 if table(*sys.argv[2:]) else 1)
    sys.exit(__doc__)

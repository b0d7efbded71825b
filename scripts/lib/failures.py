"""Says again, at the end of a run, why tests failed: a log of a whole run is long and is often cut in the middle.

    python3 scripts/lib/failures.py BUILD_FOLDER

Reads what ctest keeps of its last run. Of a GoogleTest program it prints the cases that failed, of any other the
end of what it printed; at most LINES lines of each case. Prints nothing when no test failed.
"""

import re
import sys
from pathlib import Path

LINES = 40
CASES = 5  # of one program


def failed_tests(log: str) -> dict[str, list[str]]:
    """Name of each test that did not pass → the lines it printed."""
    found = {}
    for part in re.split(r"^\d+/\d+ Testing: ", log, flags=re.M)[1:]:
        name, _, rest = part.partition("\n")
        printed, _, end = rest.partition("\nOutput:\n")[2].partition("\n<end of output>\n")
        if "\nTest Passed.\n" not in end:
            found[name] = printed.splitlines()[1:]  # a line of dashes is first
    return found


def failed_cases(lines: list[str]) -> list[list[str]]:
    """The cases of a GoogleTest program that did not pass, each with its lines; one that killed the program, too."""
    cases: list[list[str]] = []
    current: list[str] | None = None
    for line in lines:
        if line.startswith("[ RUN      ]"):
            current = []
        if current is None:
            continue
        current.append(line)
        if line.startswith(("[       OK ]", "[  SKIPPED ]")):
            current = None
        elif line.startswith("[  FAILED  ]"):
            cases.append(current)
            current = None
    return cases if current is None else [*cases, current]


def shortened(lines: list[str]) -> list[str]:
    if len(lines) <= LINES:
        return lines
    half = LINES // 2
    return [*lines[:half], f"… {len(lines) - LINES} lines …", *lines[-half:]]


def main() -> None:
    log = Path(sys.argv[1]) / "Testing" / "Temporary" / "LastTest.log"
    for name, lines in failed_tests(log.read_text(errors="replace")).items():
        cases = failed_cases(lines)
        print(f"\n== {name} failed")
        for case in cases[:CASES] or [lines[-LINES:]]:
            print("\n".join(shortened(case)))
        if len(cases) > CASES:
            print(f"… and {len(cases) - CASES} more of its cases")


if __name__ == "__main__":
    main()

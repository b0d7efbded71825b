#!/usr/bin/env python3
"""Compares every #include "…" under src/ with the modules that CMake declared (src/*/CMakeLists.txt).

    include_check.py MODULES.JSON [SRC_DIR]

modules.json ({"store": {"layer": 1, "depends": ["base"]}, …}) is written at configure time. Refused are an
include of a module that is not declared as a dependency, one that points upward or sideways, edges including
each other, tests/support outside of tests, and any network header in the durable middle, which knows no
sockets, threads or clocks.
Prints `file:line: reason` for each fault; exit status 1 when there is one.
"""

import json
import pathlib
import re
import sys

EDGE_LAYER = 8
MIDDLE = {"mail", "journal", "account", "mailbox", "outbox", "hold", "approve"}
NETWORK = re.compile(r"^(boost/asio|boost/beast|asio)(/|\.hpp$)|^(sys/socket|netinet/|arpa/|netdb|poll|sys/epoll)")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# Unit tests and their helpers, which may use tests/support.
TEST_FILE = re.compile(r"_(test|fixture)\.[a-z]+$")
SOURCES = {".hpp", ".cpp", ".h", ".inl"}


def reason_against(owner, modules, quoted, angled, for_tests):
    """Why a file of module `owner` may not include this, or None."""
    path = quoted or angled
    if owner in MIDDLE and NETWORK.match(path):
        return f"{owner} belongs to the durable middle and may not include {path}"
    if not quoted:
        return None
    if "/" not in quoted:
        return f'"{quoted}": includes are written from src/, as "{owner}/{quoted}"'
    target = quoted.split("/")[0]
    if target == owner or (target == "support" and for_tests):
        return None
    if target not in modules:
        return f'"{quoted}": no module {target} is declared'
    if modules[owner]["layer"] == EDGE_LAYER and modules[target]["layer"] == EDGE_LAYER:
        return f'"{quoted}": edges never include each other ({owner}, {target})'
    if modules[target]["layer"] >= modules[owner]["layer"]:
        return (f'"{quoted}": {owner} (layer {modules[owner]["layer"]}) may not include '
                f'{target} (layer {modules[target]["layer"]})')
    if target not in modules[owner]["depends"]:
        return f'"{quoted}": {owner} does not declare that it depends on {target}'
    return None


def faults_in(source_dir, modules):
    for path in sorted(source_dir.rglob("*")):
        if path.suffix not in SOURCES or not path.is_file():
            continue
        owner = path.relative_to(source_dir).parts[0]
        if owner not in modules:
            # A folder without CMakeLists.txt is not built; its headers may precede their module.
            if (source_dir / owner / "CMakeLists.txt").exists():
                yield f"{path}:1: {owner} has a CMakeLists.txt and declares no module"
            continue
        for_tests = bool(TEST_FILE.search(path.name))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                reason = reason_against(owner, modules, match.group(1), match.group(2), for_tests)
                if reason:
                    yield f"{path}:{number}: {reason}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    modules = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    default = pathlib.Path(__file__).resolve().parent.parent / "src"
    source_dir = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else default
    faults = list(faults_in(source_dir, modules))
    print("\n".join(faults) if faults else f"includes of {len(modules)} modules agree with their declarations")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

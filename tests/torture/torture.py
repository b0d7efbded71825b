"""Crashes and errors at every effect boundary of a real server, and what came of the mail.

    scripts/torture [--minutes M] [--only TEXT] [--seed N] [--run K] [--lanes L] [--once] [--table FILE]

Exits with 1 when a message was sent twice, lost, or told of in two ways; when one is unknown that did not stop
between its fence and the record of its answer; when `countersign check` objects; or when a fault never struck.
"""

import argparse
import collections
import datetime
import os
import pathlib
import queue
import random
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/support")]

from boundaries import boundaries  # noqa: E402
from lane import ERROR, SIGKILL, Lane, Row, chance_of  # noqa: E402
from peers import PEERS  # noqa: E402
from support import postgres  # noqa: E402

STORES = ("sqlite", "postgres")
STORE_NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def all_rows():
    rows = []
    for transport in PEERS:
        for store in STORES:
            rows += [Row(store, transport, boundary, action) for boundary in boundaries()
                     if transport in boundary.transports and store in boundary.stores
                     for action in (ERROR, SIGKILL)]
            rows.append(Row(store, transport, None, SIGKILL))
    return rows


class Tally:
    """What was seen of one row."""

    def __init__(self):
        self.runs = self.missed = self.messages = self.duplicates = self.losses = self.split = 0
        self.unknown = self.unknown_elsewhere = self.by_evidence = 0
        self.settle_seconds = []
        self.is_bad = False

    def add(self, outcome):
        self.is_bad = self.is_bad or outcome.is_bad
        if not outcome.struck:
            self.missed += 1
            return
        self.runs += 1
        for name in ("messages", "duplicates", "losses", "split", "unknown", "unknown_elsewhere", "by_evidence"):
            setattr(self, name, getattr(self, name) + getattr(outcome, name))
        self.settle_seconds.append(outcome.settle_seconds)


class Torture:
    def __init__(self, rows, options):
        self.rows = random.Random(options.seed).sample(rows, len(rows))
        self.options = options
        self.tallies = {row: Tally() for row in rows}
        self.failures = []
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.until = self.began + options.minutes * 60
        self.next_run = collections.Counter()

    @property
    def is_over(self):
        return time.monotonic() >= self.until or len(self.failures) >= self.options.failures_max

    def work(self, kind):
        """One lane: takes the rows of its kind in turn, those with the fewest runs first."""
        lane = Lane(*kind, self.options.postgres_url if kind[0] == "postgres" else None)
        while not self.is_over and (taken := self.take(kind)) is not None:
            row, number = taken
            outcome = lane.run(row, chance_of(self.options.seed, row, number))
            with self.lock:
                self.tallies[row].add(outcome)
            if outcome.is_bad:
                self.fail(row, number, outcome.complaints)
        complaints = lane.close()
        if complaints:
            self.fail(None, None, complaints)

    def take(self, kind):
        with self.lock:
            mine = [row for row in self.rows if (row.store, row.transport) == kind]
            row = min(mine, key=lambda candidate: self.next_run[candidate])
            if self.options.once and self.next_run[row] > 0:
                return None
            number = self.options.run if self.options.run is not None else self.next_run[row]
            self.next_run[row] += 1
            return row, number

    def fail(self, row, number, complaints):
        with self.lock:
            self.failures.append(row)
        print(f"\nFAILED {row.name if row else 'at the end of a lane'}", *complaints, sep="\n  ", flush=True)
        if row:
            print(f"  again: scripts/torture --only '{row.name}' --seed {self.options.seed} --run {number} --once",
                  flush=True)

    def run(self):
        kinds = list(dict.fromkeys((row.store, row.transport) for row in self.rows))
        lanes = [kind for kind in kinds for _ in range(self.lanes_per_kind(len(kinds)))]
        errors = queue.Queue()

        def guarded(kind):
            try:
                self.work(kind)
            except BaseException as error:  # reported on the main thread
                errors.put(error)

        threads = [threading.Thread(target=guarded, args=(kind,), daemon=True) for kind in lanes]
        for thread in threads:
            thread.start()
        shown = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.1)
            if time.monotonic() - shown >= 10:
                shown = time.monotonic()
                self.show_progress()
        if not errors.empty():
            raise errors.get()

    def lanes_per_kind(self, kinds):
        return 1 if self.options.once and len(self.rows) == 1 else max(1, self.options.lanes // kinds)

    def show_progress(self):
        with self.lock:
            runs = sum(tally.runs for tally in self.tallies.values())
            met = sum(1 for tally in self.tallies.values() if tally.runs)
            unknown = sum(tally.unknown for tally in self.tallies.values())
        seconds = time.monotonic() - self.began
        print(f"{seconds:5.0f} s: {runs} runs ({runs / seconds:.1f}/s), {met} of {len(self.rows)} rows met, "
              f"{unknown} unknown, {len(self.failures)} failures", flush=True)


def markdown(torture):
    """The table, with what it was measured on."""
    tallies = torture.tallies
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True,
                             check=False)
    total = {name: sum(getattr(tally, name) for tally in tallies.values())
             for name in ("runs", "messages", "duplicates", "losses", "split", "unknown", "by_evidence")}
    version = commit.stdout.strip() + (" with local changes" if changed.stdout.strip() else "")
    seconds = time.monotonic() - torture.began
    lines = [
        "# Torture",
        "",
        "Written by `scripts/torture`; [reliability.md](reliability.md) says what the rows mean and how to rerun one.",
        "",
        f"Commit {version}, {datetime.date.today().isoformat()}, {os.cpu_count()} cores, seed {torture.options.seed}, "
        f"{seconds / 60:.0f} minutes.",
        "",
        f"**{total['runs']:,} crashes and errors, {total['messages']:,} messages: {total['duplicates']} duplicates, "
        f"{total['losses']} losses, {total['split']} split states;** {total['unknown']:,} unknown, "
        f"{total['by_evidence']:,} settled by evidence.",
        "",
        "| boundary | fault | store | transport | runs | messages | duplicates | losses | split states | unknown "
        "| by evidence | settled after, median | max |",
        "|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    order = {name: index for index, name in enumerate([boundary.name for boundary in boundaries()])}
    for row in sorted(tallies, key=lambda r: (order.get(r.point, len(order)), r.action, r.store != "sqlite",
                                              r.transport)):
        tally = tallies[row]
        times = tally.settle_seconds or [0.0]
        lines.append(
            f"| `{row.point}` | {row.action} | {STORE_NAMES[row.store]} | {row.transport} | {tally.runs} "
            f"| {tally.messages} | {tally.duplicates} | {tally.losses} | {tally.split} | {tally.unknown} "
            f"| {tally.by_evidence} | {statistics.median(times):.2f} s | {max(times):.2f} s |")
    return "\n".join(lines) + "\n"


def read_options():
    parser = argparse.ArgumentParser(prog="scripts/torture", description="Faults at every effect boundary.")
    parser.add_argument("--minutes", type=float, default=2, help="how long to go on")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT",
                        help="rows whose store/transport/boundary/fault contains TEXT")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--run", type=int, help="the number of the run to repeat")
    parser.add_argument("--once", action="store_true", help="each row once, then stop")
    parser.add_argument("--lanes", type=int, default=12, help="servers at a time")
    parser.add_argument("--failures-max", type=int, default=10, help="stop after so many")
    parser.add_argument("--table", type=pathlib.Path, help="write the table there (docs/torture.md)")
    parser.add_argument("--list", action="store_true", help="show the rows")
    options = parser.parse_args()
    rows = [row for row in all_rows() if not options.only or any(text in row.name for text in options.only)]
    if not rows:
        parser.error("no row contains that")
    if options.list:
        print(*(row.name for row in rows), sep="\n")
        sys.exit(0)
    return rows, options


def main():
    rows, options = read_options()
    options.postgres_url = postgres.shared_url() if any(row.store == "postgres" for row in rows) else None
    torture = Torture(rows, options)
    print(f"seed {options.seed}, {len(rows)} rows", flush=True)
    torture.run()
    torture.show_progress()
    table = markdown(torture)
    if options.table:
        options.table.write_text(table)
    else:
        print(table)
    never = [row.name for row in rows if torture.tallies[row].runs == 0 and torture.next_run[row] > 0]
    for name in never:
        print(f"never struck: {name}")
    sys.exit(1 if torture.failures or never else 0)


if __name__ == "__main__":
    main()

"""What Countersign and other implementations say of the same cases, as a golden table.

Where they differ, explanations.txt says by which RFC and section ("case | who | why"), and an explanation without a
difference is a fault too.
"""

import os
import subprocess
import sys


def run(*command):
    """The lines "name<TAB>verdict" that a judge prints."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {done.stderr}")
    return dict(line.split("\t") for line in done.stdout.splitlines())


def read_explanations(path):
    out = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, who, why = (part.strip() for part in line.split("|", 2))
            out[name, who] = why
    return out


def compare(folder, title, ours, oracles, cases_min, same=lambda one, other: one == other):
    """Ends the process: 1 when a difference is not explained, or folder/verdicts.md is not what was found.

    ours      the verdict of Countersign by name of the case
    oracles   the same for each other implementation, by its name; a case that one cannot judge is missing
    """
    golden = folder / "verdicts.md"
    explanations = read_explanations(folder / "explanations.txt")
    faults, used, verdicts = [], set(), 0
    lines = [f"# {title}", "", "Written by verdicts_test.py.", "",
             f"| case | Countersign | {' | '.join(oracles)} | difference |", "|---|---|" + "---|" * len(oracles) + "---|"]
    for name, verdict in ours.items():
        notes = []
        for who, theirs in oracles.items():
            if name not in theirs:
                continue
            verdicts += 1
            if same(verdict, theirs[name]):
                continue
            used.add((name, who))
            why = explanations.get((name, who))
            if why is None:
                faults.append(f"{name}: {who} says {theirs[name]}, we say {verdict}: unexplained")
            notes.append(f"{who}: {why}")
        shown = " | ".join(theirs.get(name, "–") for theirs in oracles.values())
        lines.append(f"| {name} | {verdict} | {shown} | {' · '.join(notes)} |")
    faults += [f"{name}, {who}: explained, but there is no difference" for name, who in set(explanations) - used]
    lines += ["", f"{len(ours)} cases, {verdicts} verdicts of others, {len(used)} different."]
    table = "\n".join(lines) + "\n"
    if os.environ.get("COUNTERSIGN_UPDATE_GOLDEN"):
        golden.write_text(table)
    elif not golden.exists() or golden.read_text() != table:
        faults.append(f"{golden.name} differs from what is said; look at it with COUNTERSIGN_UPDATE_GOLDEN=1")
    if len(ours) < cases_min:
        faults.append(f"only {len(ours)} cases")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)

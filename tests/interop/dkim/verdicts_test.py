"""Every message of corpus/ is judged by Countersign, Mail::DKIM, OpenDKIM and dkimpy; the table is verdicts.md.

    verdicts_test.py DKIM_JUDGE      (COUNTERSIGN_UPDATE_GOLDEN=1 writes the table anew)

Verdicts are the same when all pass or none does: why a signature does not count is said in different words. Where
they differ, explanations.txt says by which RFC and section, and an explanation without a difference is a fault too.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "verdicts.md"
ORACLES = ("Mail::DKIM", "OpenDKIM", "dkimpy")


def read_table(text):
    return {name: (dkim, arc) for name, dkim, arc in (line.split("\t") for line in text.splitlines())}


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {done.stderr}")
    return done.stdout


def passes(verdict):
    """Which signatures pass; that there is none is not a pass either."""
    return [one == "pass" for one in verdict.split(",")] if "pass" in verdict.split(",") else []


def read_explanations():
    out = {}
    for line in (HERE / "explanations.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, who, why = (part.strip() for part in line.split("|", 2))
            out[name, who] = why
    return out


def rows(files, judge):
    paths = [str(file) for file in files]
    zone = HERE / "corpus.zone"
    ours = read_table(run(judge, zone, *paths))
    oracles = (read_table(run("perl", HERE / "judge_mail_dkim.pl", zone, *paths)),
               read_table(run(sys.executable, HERE / "judge_opendkim.py", zone, *paths)),
               read_table(run("/usr/bin/python3", HERE / "judge_dkimpy.py", zone, *paths)))
    for name in (file.stem for file in files):
        about_arc = name.startswith("arc_")
        column = 1 if about_arc else 0
        verdicts = [ours[name][column]] + [oracle[name][column] for oracle in oracles]
        differing = [who for who, verdict in zip(ORACLES, verdicts[1:])
                     if passes(verdict) != passes(verdicts[0]) and not (about_arc and who == "OpenDKIM")]
        yield name, [verdict or "–" for verdict in verdicts], differing


def main():
    files = sorted((HERE / "corpus").glob("*.eml"))
    explanations = read_explanations()
    lines = ["# Signed mail and what verifiers say of it", "",
             "Written by verdicts_test.py from corpus/. Of several signatures, the uppermost is named first. Rows `arc_…`",
             "are about the chain, which OpenDKIM does not judge.", "",
             "| message | Countersign | " + " | ".join(ORACLES) + " | difference |", "|---|---|---|---|---|---|"]
    faults, used, differences = [], set(), 0
    for name, verdicts, differing in rows(files, sys.argv[1]):
        notes = []
        for who in differing:
            differences += 1
            why = explanations.get((name, who))
            used.add((name, who))
            if why is None:
                faults.append(f"{name}: {who} says {verdicts[1 + ORACLES.index(who)]}, we say {verdicts[0]}: unexplained")
            notes.append(f"{who}: {why}")
        lines.append(f"| {name} | {' | '.join(verdicts)} | {' · '.join(notes)} |")
    faults += [f"{name}, {who}: explained, but there is no difference" for name, who in set(explanations) - used]
    lines += ["", f"{len(files)} messages, {3 * len(files)} verdicts of others, {differences} different."]
    table = "\n".join(lines) + "\n"
    if os.environ.get("COUNTERSIGN_UPDATE_GOLDEN"):
        GOLDEN.write_text(table)
    elif not GOLDEN.exists() or GOLDEN.read_text() != table:
        faults.append(f"{GOLDEN.name} differs from what the verifiers say; look at it with COUNTERSIGN_UPDATE_GOLDEN=1")
    if len(files) < 60:
        faults.append(f"only {len(files)} messages")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


main()

#!/bin/sh
# Every broken rule is caught within 10,000 schedules by what it breaks, which the oracle alone must see:
# mutants.sh PROGRAM, or SIMULATOR_PROGRAM, which is faster.
set -eu
program=${SIMULATOR_PROGRAM:-$1}
names=$("$program" --list-mutants | cut -d ' ' -f 1)
[ -n "$names" ]
status=0
for name in $names; do
  echo "== $name"
  "$program" --mutant "$name" --count 10000 --invariants-every 0 || status=1
done
exit "$status"

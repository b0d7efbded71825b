#!/bin/sh
# Schedules of the simulator: schedules.sh FROM PROGRAM. scripts/test names an optimised program in
# SIMULATOR_PROGRAM, which runs 50,000 of them; PROGRAM, built for another purpose, runs a share.
set -eu
if [ -n "${SIMULATOR_PROGRAM:-}" ]; then
  exec "$SIMULATOR_PROGRAM" --from "$1" --count 50000 --invariants-every 500
fi
exec "$2" --from "$1" --count 1500 --invariants-every 100

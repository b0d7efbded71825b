# Sourced by the scripts: where the repository is, how wide to build, how to speak.
# Sets root, jobs; exports the ccache and sanitizer settings. Changes into the repository.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

# A precompiled header hides macros and time stamps from ccache unless it is told that they do not matter.
export CCACHE_SLOPPINESS=pch_defines,time_macros
export CCACHE_DEPEND=1

# Readable sanitizer reports.
if [ -x /usr/bin/llvm-symbolizer-19 ]; then
  export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
fi

case ${CI:-} in
  '' | 0 | false) ;;
  *) export DEBIAN_FRONTEND=noninteractive NO_COLOR=1 TERM=dumb ;;
esac

say() { printf '==> %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# One compiler per processor, but no more than memory carries: the heaviest unit takes about 1.5 GB.
jobs_that_fit() {
  local processors memory_kb fitting
  processors=$(nproc)
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null) || memory_kb=0
  fitting=$((${memory_kb:-0} / 1500000))
  [ "$fitting" -ge 1 ] || fitting=1
  [ "$fitting" -le "$processors" ] || fitting=$processors
  echo "$fitting"
}
jobs=$(jobs_that_fit)

# configure_and_build PRESET [TARGET…]: configures once (ninja configures again by itself when a CMake file
# changed) and builds what is out of date.
configure_and_build() {
  local preset=$1
  shift
  if [ ! -f "build/$preset/build.ninja" ]; then
    say "configuring build/$preset"
    cmake --preset "$preset"
  fi
  say "building build/$preset ($jobs at a time)"
  cmake --build "build/$preset" --parallel "$jobs" ${1:+--target "$@"}
}

# Sourced by scripts/test: a private PostgreSQL in a temporary directory, gone when the script is.
#
# start_postgres   initdb and start on a free port of 127.0.0.1; sets postgres_url (superuser)
# stop_postgres    stop at once and remove everything
#
# fsync stays on, as in production. The server cannot run as root, so root hands it to the
# user "postgres" that Debian's package brings.

postgres_bin=/usr/lib/postgresql/15/bin
postgres_dir=
postgres_pid=
postgres_url=

as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
  else
    "$@"
  fi
}

# Below the ports that Linux gives to clients, as the tests choose theirs.
free_port() {
  PYTHONPATH="$root/tests/support" python3 -B -c 'import ports; print(ports.free_port())'
}

# In memory where there are 2 GB of room and TMPDIR says nothing else: the tests copy a database each, in 10 ms there
# and 250 ms on a disk.
roomy_folder() {
  local room_kb
  room_kb=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1) || room_kb=0
  if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "${room_kb:-0}" -ge 2000000 ]; then
    echo /dev/shm
  else
    echo "${TMPDIR:-/tmp}"
  fi
}

start_postgres() {
  local password port attempt
  postgres_dir=$(mktemp -d "$(roomy_folder)/countersign-postgres.XXXXXX")
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s' "$password" >"$postgres_dir/password"
  if [ "$(id -u)" -eq 0 ]; then chown -R postgres:postgres "$postgres_dir"; fi
  (cd "$postgres_dir" && as_postgres "$postgres_bin/initdb" --pgdata="$postgres_dir/data" --username=countersign \
    --pwfile="$postgres_dir/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 \
    >"$postgres_dir/initdb.log" 2>&1) || { cat "$postgres_dir/initdb.log" >&2; die "initdb failed"; }

  # The port may be taken between asking and binding: try again with another.
  for attempt in 1 2 3; do
    port=$(free_port)
    start_postgres_on "$port"
    postgres_url="postgres://countersign:$password@127.0.0.1:$port/postgres"
    if wait_for_postgres; then
      return 0
    fi
  done
  cat "$postgres_dir/log" >&2
  die "PostgreSQL did not start"
}

# Runs the server as a child that the kernel stops when this script is killed.
start_postgres_on() {
  local command=("$postgres_bin/postgres" -D "$postgres_dir/data" -p "$1" -k "$postgres_dir"
    -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=128MB -c fsync=on)
  (
    cd "$postgres_dir"
    if [ "$(id -u)" -eq 0 ]; then
      exec setpriv --reuid=postgres --regid=postgres --clear-groups --pdeathsig QUIT -- "${command[@]}"
    fi
    exec setpriv --pdeathsig QUIT -- "${command[@]}"
  ) >>"$postgres_dir/log" 2>&1 &
  postgres_pid=$!
}

# 1 when it has ended; one that only takes its time keeps its port and its folder.
wait_for_postgres() {
  local _
  for _ in $(seq 3000); do
    kill -0 "$postgres_pid" 2>/dev/null || return 1
    "$postgres_bin/pg_isready" -q -d "$postgres_url" && return 0
    sleep 0.1
  done
  cat "$postgres_dir/log" >&2
  die "PostgreSQL does not answer"
}

stop_postgres() {
  if [ -n "$postgres_pid" ] && kill -QUIT "$postgres_pid" 2>/dev/null; then
    wait "$postgres_pid" 2>/dev/null || true
  fi
  postgres_pid=
  [ -z "$postgres_dir" ] || rm -rf "$postgres_dir"
  postgres_dir=
}

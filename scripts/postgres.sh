#!/usr/bin/env bash
# `postgres.sh COMMAND…` runs COMMAND beside a throw-away cluster that knows no fsync, and hands it
# MEARI_TEST_POSTGRES_URL (a superuser: each test makes its own database). The cluster dies with it.
# With MEARI_POSTGRES_DURABLE=1 a commit reaches the disk, as it does by default: for benchmarks.
source "$(dirname "$0")/env.sh"
[ $# -gt 0 ] || die "usage: scripts/postgres.sh COMMAND…"

bin=$(dirname "$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)")
[ -x "$bin/initdb" ] || die "PostgreSQL is not installed: scripts/install-packages.sh test"

folder=$(mktemp -d /tmp/meari-postgres.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
  # The server refuses to run as root.
  chown postgres "$folder"
  as=(runuser -u postgres --)
fi
stop() {
  "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder"
"${as[@]}" "$bin/initdb" -D "$folder/data" -U meari --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
durability="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
[ "${MEARI_POSTGRES_DURABLE:-}" = 1 ] && durability=""
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -s -w -l "$folder/log" start -o "-c listen_addresses=127.0.0.1 -c port=$port \
  -c unix_socket_directories=$folder -c max_connections=300 $durability" \
  || { cat "$folder/log" >&2; die "PostgreSQL did not start"; }
cd - >/dev/null

export MEARI_TEST_POSTGRES_URL=postgres://meari@127.0.0.1:$port/postgres
"$@"

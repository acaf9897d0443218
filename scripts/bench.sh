#!/usr/bin/env bash
# `bench.sh [NAME…]` measures the release binary beside its floors and fails when a goal is missed.
# Without names it measures everything and ends with the long runs: 200 kills on each database, histories and races.
# `bench.sh router` measures the routing engine alone; it needs neither server nor database.
source "$(dirname "$0")/env.sh"

missed=0
if [ $# -eq 0 ] || [ "$1" = router ]; then
  say "Measuring the routing engine"
  cargo build --quiet --release --locked -p bench-router
  target/release/bench-router || missed=1
  [ $# -eq 0 ] || exit $missed
fi

scripts/install-packages.sh test
[ -f web/dist/index.html ] || scripts/web.sh build

say "Building the release binary (minutes when it is the first time)"
# In one command, so that both share their dependencies.
cargo build --quiet --release --locked -p meari -p bench
export MEARI_TEST_BIN=$PWD/target/release/meari

say "Measuring"
MEARI_POSTGRES_DURABLE=1 scripts/postgres.sh target/release/bench "$@" || missed=1

[ $# -eq 0 ] || exit $missed
say "kill -9 at 200 random moments, on each database"
# On PostgreSQL the test kills a quarter as often as it is told to.
MEARI_KILLS=200 cargo test --quiet --locked -p e2e -- nothing_is_lost_or_doubled_by_kills_on_sqlite
MEARI_KILLS=800 scripts/postgres.sh cargo test --quiet --locked -p e2e -- nothing_is_lost_or_doubled_by_kills_on_postgres

say "Ten million simulated contacts beside exact solutions"
MEARI_SIMULATED=8 cargo test --quiet --locked --release -p routing --test simulation

say "2,000 histories of the router, and 500 schedules of agents who reach for the same tickets, on each database"
MEARI_HISTORIES=2000 cargo test --quiet --locked --release -p routing --test routing -- history
MEARI_RACE_SCHEDULES=500 scripts/postgres.sh cargo test --quiet --locked -p app --test routing -- races

# A missed goal does not keep the long runs from being made.
exit $missed

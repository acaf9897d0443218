#!/usr/bin/env bash
# Everything that judges sources without running them. Functions longer than 70 lines are named
# but do not fail: the reader decides.
source "$(dirname "$0")/env.sh"

say "cargo fmt";    cargo fmt --all --check
say "cargo clippy"; cargo clippy --quiet --workspace --all-targets --locked -- -D warnings --force-warn clippy::too_many_lines
say "cargo deny";   scripts/deny.sh "$@"
say "web";          scripts/web.sh check

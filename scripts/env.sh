# Sourced by every script: stops on the first fault, stands in the root, finds the toolchain, talks.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=$PWD/.cache
mkdir -p "$cache"

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }

# Runs a noisy command quietly, with a line that says it lives; its output is shown only on failure.
quietly() {
  local title=$1 log started seconds pid
  shift
  log=$(mktemp)
  started=$SECONDS
  "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    seconds=$((SECONDS - started))
    if [ -t 1 ]; then
      printf '\r    %s … %d s' "$title" "$seconds"
    elif [ "$seconds" -gt 0 ] && [ $((seconds % 30)) -eq 0 ]; then
      printf '    %s … %d s\n' "$title" "$seconds"
    fi
    sleep 1
  done
  [ -t 1 ] && printf '\r\033[K'
  if wait "$pid"; then
    printf '    %s: done in %d s\n' "$title" "$((SECONDS - started))"
    rm -f "$log"
  else
    tail -n 80 "$log" >&2
    die "$title failed; the whole output is in $log"
  fi
}

# An empty HOME hides the toolchains of the account it belongs to: look there before giving up.
find_toolchain() {
  cargo --version >/dev/null 2>&1 && return
  local account
  account=$(getent passwd "$(id -u)" | cut -d: -f6)
  if [ -x "$account/.cargo/bin/cargo" ]; then
    export RUSTUP_HOME=${RUSTUP_HOME:-$account/.rustup} PATH=$account/.cargo/bin:$PATH
  fi
  cargo --version >/dev/null 2>&1 || die "Rust 1.95 or newer is needed: https://rustup.rs"
}
find_toolchain

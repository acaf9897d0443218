#!/usr/bin/env bash
# What CI runs. Stops at the first stage that fails, names it, and always ends with the table of
# minutes. `test.sh STAGE…` runs only those.
source "$(dirname "$0")/env.sh"

stages=(install web structure lint unit build end-to-end)
wanted=("${@:-${stages[@]}}")
table=()
failed=""

finish() {
  printf '\n%-12s %8s  %s\n' stage minutes result
  printf '%s\n' "${table[@]}"
  if [ -n "$failed" ]; then
    printf '\n\033[31mFAILED in stage "%s".\033[0m Run it alone: scripts/test.sh %s\n' "$failed" "$failed"
    exit 1
  fi
  printf '%-12s %8s\n\n\033[32mAll stages passed.\033[0m\n' total "$(minutes "$SECONDS")"
}
minutes() { awk -v s="$1" 'BEGIN { printf "%.1f", s / 60 }'; }

stage() {
  local name=$1 started=$SECONDS result=passed
  shift
  [[ " ${wanted[*]} " == *" $name "* ]] || return 0
  say "Stage: $name"
  "$@" || result=FAILED
  table+=("$(printf '%-12s %8s  %s' "$name" "$(minutes $((SECONDS - started)))" "$result")")
  if [ "$result" = FAILED ]; then
    failed=$name
    finish
  fi
}

install()    { scripts/install-packages.sh test && scripts/peers.sh && scripts/browser.sh && scripts/protocol.sh; }
web()        { scripts/web.sh build && scripts/web.sh check && scripts/web.sh test; }
structure()  { cargo test --quiet --locked -p structure; }
lint()       { scripts/lint.sh; }
unit()       { scripts/postgres.sh cargo test --quiet --locked --workspace --exclude e2e --exclude oracles --exclude structure --exclude bench; }
build()      { cargo build --locked --workspace --exclude bench --bins; }
end_to_end() { scripts/postgres.sh cargo test --locked -p oracles -p e2e; }

stage install    install
stage web        web
stage structure  structure
stage lint       lint
stage unit       unit
stage build      build
stage end-to-end end_to_end
finish

#!/usr/bin/env bash
# Installs the locked npm clients that the protocol tests speak through.
source "$(dirname "$0")/env.sh"

modules=tests/node/node_modules/.package-lock.json
if [ ! -e "$modules" ] || [ tests/node/package-lock.json -nt "$modules" ]; then
  quietly "protocol clients" npm ci --prefix tests/node --ignore-scripts --no-audit --no-fund
  touch "$modules"
fi

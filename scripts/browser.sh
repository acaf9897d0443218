#!/usr/bin/env bash
# Installs the locked driver of the browser tests; Chromium itself is Debian's.
source "$(dirname "$0")/env.sh"

modules=tests/browser/node_modules/.modules.yaml
if [ ! -e "$modules" ] || [ tests/browser/pnpm-lock.yaml -nt "$modules" ]; then
  CI=1 quietly "browser driver" npx --yes pnpm@10.34.9 --dir tests/browser install --frozen-lockfile
  touch "$modules"
fi

#!/usr/bin/env bash
# The demo from a fresh clone: packages, web app, binary, then `meari demo` with believable data.
source "$(dirname "$0")/env.sh"

say "Packages"
scripts/install-packages.sh run
say "Web app"
scripts/web.sh build
say "Server (the first build takes some minutes)"
cargo build --locked -p meari
exec target/debug/meari demo "$@"

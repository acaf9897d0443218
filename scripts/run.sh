#!/usr/bin/env bash
# The demo from a fresh clone: packages, web app, binary, then `meari demo` with believable data.
# Arguments go to the demo, e.g. `scripts/run.sh --listen 0.0.0.0:8080`. The development profile:
# it builds three times as fast as a release and a demo has few users.
source "$(dirname "$0")/env.sh"

say "1/4 Packages"
scripts/install-packages.sh run
say "2/4 Web app"
scripts/web.sh build
say "3/4 Server (the first build takes 5 to 10 minutes on two cores, later ones seconds)"
started=$SECONDS
cargo build --locked -p meari
printf '    built in %d s\n' "$((SECONDS - started))"
say "4/4 Demo"
exec target/debug/meari demo "$@"

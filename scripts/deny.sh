#!/usr/bin/env bash
# Licences, sources and layer guards by cargo-deny, built once into .cache (about two minutes).
# `deny.sh advisories` also asks the advisory database, which needs the network.
source "$(dirname "$0")/env.sh"

version=0.20.2
tool=$cache/cargo-deny-$version
if [ ! -x "$tool/bin/cargo-deny" ]; then
  quietly "cargo-deny $version" cargo install cargo-deny --version "$version" --locked --root "$tool" \
    --config profile.release.opt-level=1 --config profile.release.lto=false
fi
exec "$tool/bin/cargo-deny" --all-features --locked check --hide-inclusion-graph -A duplicate -A unused-wrapper -A license-not-encountered bans licenses sources "$@"

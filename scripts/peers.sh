#!/usr/bin/env bash
# Brings the servers nobody here wrote, pinned by hash: a Mastodon API server in .cache/peers.
# Skipped when the lock file has not changed and they still start: a checkout that was moved leaves them behind.
# NATS comes from install-packages.sh.
source "$(dirname "$0")/env.sh"

lock=tests/peers/requirements.txt
folder=$cache/peers
stamp=$folder/.installed
if cmp -s "$lock" "$stamp" && "$folder/bin/mastodon_mock" --help > /dev/null 2>&1; then
  exit 0
fi
rm -rf "$folder"
# The system's Python: a version manager's one may vanish with an empty home directory.
quietly "python environment" "$(command -v /usr/bin/python3 || command -v python3)" -m venv "$folder"
quietly "mastodon_mock" "$folder/bin/pip" install --no-input --disable-pip-version-check --require-hashes -r "$lock"
cp "$lock" "$stamp"

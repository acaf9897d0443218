#!/usr/bin/env bash
# Installs the Debian packages that are missing and nothing else: `run` needs the first group,
# `test` both. Prints nothing and takes no time when all are there.
source "$(dirname "$0")/env.sh"

node_ok() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }
installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

wanted=(build-essential pkg-config curl ca-certificates)
if [ "${1:-run}" = test ]; then
  wanted+=(postgresql python3-venv chromium fonts-noto-cjk fonts-noto-color-emoji nats-server postfix dovecot-imapd dovecot-lmtpd openssl)
fi
node_ok || wanted+=(nodejs npm)

missing=()
for package in "${wanted[@]}"; do
  installed "$package" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "please install by hand: ${missing[*]}"
  root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "as root, run: apt-get install ${missing[*]}"
    root=(sudo)
  fi
  say "Installing ${missing[*]}"
  quietly "apt-get update" "${root[@]}" apt-get update
  quietly "apt-get install" "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"
fi
node_ok || die "Node 20.19 or newer is needed for the web app, this one is $(node --version 2>/dev/null || echo absent): https://nodejs.org"

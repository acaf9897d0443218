#!/usr/bin/env bash
# The web app by its locked package manager: `web.sh build` (skipped when dist is newer than the
# sources), or any other script of web/package.json, e.g. `web.sh check`.
source "$(dirname "$0")/env.sh"
export CI=1 COREPACK_ENABLE_DOWNLOAD_PROMPT=0

pnpm() { npx --yes pnpm@10.34.9 --dir web "$@"; }

[ -f web/package.json ] || die "web/ holds no app"
if [ ! -e web/node_modules/.modules.yaml ] || [ web/pnpm-lock.yaml -nt web/node_modules/.modules.yaml ]; then
  quietly "web packages" pnpm install --frozen-lockfile
  touch web/node_modules/.modules.yaml
fi

newer_source() {
  find web graphql/schema.graphql -path web/node_modules -prune -o -path web/dist -prune -o \
    -type f -newer web/dist/index.html -print -quit
}
case ${1:?which script of web/package.json} in
  build)
    if [ -f web/dist/index.html ] && [ -z "$(newer_source)" ]; then
      exit 0
    fi
    quietly "web build" pnpm run build
    ;;
  *) pnpm run "$@" ;;
esac

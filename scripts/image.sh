#!/usr/bin/env bash
# Build the image of the Dockerfile without a Docker engine, and start it: Debian's buildah on a
# base of Debian's own packages. Needs root, buildah and mmdebstrap (apt-get install buildah mmdebstrap).
#
#   scripts/image.sh build           the image payments:local
#   scripts/image.sh run ARGS...     the image's command, on this machine's network, with this shell's settings
#
# Layers are kept below var/containers; `make clean` removes them.
set -euo pipefail
cd "$(dirname "$0")/.."

base=payments-base:bookworm
image=payments:local
store=(--root "$PWD/var/containers/storage" --runroot "$PWD/var/containers/run" --storage-driver vfs)

tool() { buildah "${store[@]}" "$@"; }

make_base() {
    tool inspect --type image "$base" >/dev/null 2>&1 && return
    local packages=python3,python3-venv,ca-certificates archive
    archive=$(mktemp --suffix .tar)
    mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$archive"
    local empty
    empty=$(tool from scratch)
    tool add --quiet "$empty" "$archive" / >/dev/null
    tool commit --quiet "$empty" "$base" >/dev/null
    tool rm "$empty" >/dev/null
    rm -f "$archive"
}

build() {
    make_base
    # The machine's own certificates are trusted while packages are fetched, and stay out of the image.
    tool build --isolation chroot --format docker --layers=false --build-arg BASE="localhost/$base" \
        --volume /etc/ssl/certs:/etc/ssl/certs:ro --tag "$image" .
    tool images "$image"
}

run() {
    local code=0
    settings=$(mktemp)
    # Settings hold secrets, and a command line is for everyone to read: they go in by a file.
    export -p | grep -E '^declare -x ([A-Z_]+__[A-Z_]+|ENVIRONMENT)=' >"$settings" || true
    chown 10001 "$settings"
    container=$(tool from --pull-never "localhost/$image")
    trap 'tool rm "$container" >/dev/null; rm -f "$settings"' EXIT
    tool run --isolation chroot --user 10001 --volume "$settings:/run/settings:ro" "$container" -- \
        bash -c '. /run/settings && exec payments "$@"' payments "$@" || code=$?
    return "$code"
}

case "${1:-}" in
    build) build ;;
    run) shift; run "$@" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

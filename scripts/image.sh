#!/usr/bin/env bash
# Build the image of the Dockerfile without a Docker engine, and start it: Debian's buildah, on bases
# of Debian's own packages. Needs root, buildah and mmdebstrap, and says so.
#
#   scripts/image.sh build             the image payments:local
#   scripts/image.sh create            a container of it; prints its name
#   scripts/image.sh in NAME ARGS...   a program of it in that container, such as payments serve
#   scripts/image.sh remove NAME       the container goes
#   scripts/image.sh run ARGS...       create, in, remove
#
# Programs run on this machine's network with this shell's settings. All is kept below
# var/containers; `make clean` removes it.
set -euo pipefail
cd "$(dirname "$0")/.."

image=payments:local
build_base=payments-build-base:bookworm
base=payments-base:bookworm
store=(--root "$PWD/var/containers/storage" --runroot "$PWD/var/containers/run" --storage-driver vfs)
user=10001
# What Debian's own slim images leave out too; licences stay.
slim=()
for kind in man info doc locale; do slim+=("--dpkgopt=path-exclude=/usr/share/$kind/*"); done
slim+=("--dpkgopt=path-include=/usr/share/doc/*/copyright")

tool() { buildah "${store[@]}" "$@"; }

require() {
    local missing=()
    for program in buildah mmdebstrap; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    [ ${#missing[@]} = 0 ] || { echo "Missing: apt-get install ${missing[*]}" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || { echo "Root is needed: the base is made of Debian's packages" >&2; exit 1; }
}

# make_base NAME VARIANT PACKAGES
make_base() {
    tool inspect --type image "$1" >/dev/null 2>&1 && return
    local archive empty
    archive=$(mktemp --suffix .tar)
    # Without the second package a script that merges /usr later would bring Perl along.
    mmdebstrap --quiet --variant="$2" --include="$3,usr-is-merged" \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        "${slim[@]}" bookworm "$archive"
    empty=$(tool from scratch)
    tool add --quiet "$empty" "$archive" / >/dev/null
    tool commit --quiet "$empty" "$1" >/dev/null
    tool rm "$empty" >/dev/null
    rm -f "$archive"
}

build() {
    make_base "$build_base" minbase python3,python3-venv,ca-certificates
    make_base "$base" essential python3,ca-certificates
    # The machine's own certificates are trusted while packages are fetched, and stay out of the image.
    tool build --isolation chroot --format docker --layers=false \
        --build-arg BUILD_BASE="localhost/$build_base" --build-arg BASE="localhost/$base" \
        --volume /etc/ssl/certs:/etc/ssl/certs:ro --tag "$image" .
    tool images "$image"
}

create() { tool from --pull-never "localhost/$image"; }

inside() {
    local container=$1 code=0
    shift
    # Settings hold secrets, and a command line is for everyone to read: they go in by a file.
    settings=$(mktemp)
    trap 'rm -f "$settings"' EXIT
    export -p | grep -E '^declare -x ([A-Z_]+__[A-Z_]+|ENVIRONMENT|STRIPE_SIMULATOR_[A-Z_]+)=' \
        >"$settings" || true
    chown "$user" "$settings"
    tool run --isolation chroot --user "$user" --volume "$settings:/run/settings:ro" "$container" -- \
        bash -c '. /run/settings && exec "$@"' bash "$@" || code=$?
    return "$code"
}

run() {
    local container code=0
    container=$(create)
    (inside "$container" "$@") || code=$?
    tool rm "$container" >/dev/null
    return "$code"
}

require
case "${1:-}" in
    build) build ;;
    create) create ;;
    in) shift; inside "$@" ;;
    remove) tool rm "$2" >/dev/null ;;
    run) shift; run "$@" ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

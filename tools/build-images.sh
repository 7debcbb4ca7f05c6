#!/usr/bin/env bash
# Build every image of the lab that this Docker engine does not hold yet in this form. Needs no registry.
# Usage: build-images.sh [orthanc] [orthanc-next] [contract] [proxy] [student]     (default: all of them)
#   orthanc       pacslab/orthanc:1.12.7           Debian 13's Orthanc
#   orthanc-next  pacslab/orthanc:1.13.0           Debian unstable's Orthanc
#   contract      pacslab/orthanc-contract:1.12.7  starts as the official orthancteam/orthanc does
#   proxy         pacslab/proxy:1                  nginx, and a container's firewall and tap
#   student       pacslab/student:dev              JupyterLab, pacslab and Orthanc for one student
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DOCKER_BUILDKIT=0 # not every engine has buildx, and the Dockerfiles need none

docker info >/dev/null 2>&1 || {
    echo "build-images.sh: no Docker engine answers; start it and try again." >&2
    exit 1
}

base() { # NAME: the engine's own, the registry's, or one made from this machine's Debian mirror
    docker image inspect "$1" >/dev/null 2>&1 || docker pull -q "$1" >/dev/null 2>&1 || docker/orthanc/base-image.sh "$1"
}

# build IMAGE BASE INPUTS -- docker build's arguments. An image carries a digest of its inputs and of its base, and
# is built again only when one of them changed.
build() {
    local image=$1 from=$2 inputs=$3 digest old
    shift 4
    # shellcheck disable=SC2086 # the inputs are a list of paths
    digest=$({ docker image inspect --format '{{.Id}}' "$from"
        find $inputs -type f ! -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum; } | sha256sum | cut -c 1-32)
    if [ "$(docker image inspect --format '{{index .Config.Labels "pacslab.inputs"}}' "$image" 2>/dev/null)" = "$digest" ]; then
        echo "$image is up to date"
        return
    fi
    echo "Building $image"
    old=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
    docker build --quiet --network host --label "pacslab.inputs=$digest" --build-arg "BASE=$from" -t "$image" "$@" >/dev/null 2>"$log" ||
        { cat "$log" >&2 && exit 1; }
    # What it replaces is of no use, unless a container still runs it or the cache holds it.
    if [ -n "$old" ]; then docker image rm "$old" >/dev/null 2>&1 || true; fi
    docker image prune --force --filter label=pacslab.stage=built --filter until=24h >/dev/null
}

[ "$#" -gt 0 ] || set -- orthanc orthanc-next contract proxy student
for what in "$@"; do
    case $what in
    orthanc)
        base debian:trixie-slim
        build pacslab/orthanc:1.12.7 debian:trixie-slim docker/orthanc -- docker/orthanc
        ;;
    orthanc-next)
        base debian:sid-slim
        build pacslab/orthanc:1.13.0 debian:sid-slim docker/orthanc -- docker/orthanc
        ;;
    contract)
        tools/build-images.sh orthanc
        build pacslab/orthanc-contract:1.12.7 pacslab/orthanc:1.12.7 docker/orthanc-contract -- docker/orthanc-contract
        ;;
    proxy)
        base debian:trixie-slim
        build pacslab/proxy:1 debian:trixie-slim docker/nginx -- docker/nginx
        ;;
    student)
        base debian:trixie-slim
        build pacslab/student:dev debian:trixie-slim \
            "pyproject.toml requirements.lock .dockerignore src docker instructor labs scenarios synthetic_data" -- \
            --build-arg PIP_INDEX_URL --build-arg PIP_EXTRA_INDEX_URL --build-arg PIP_TRUSTED_HOST \
            -f docker/student/Dockerfile .
        ;;
    *)
        echo "build-images.sh: there is no image '$what'; the first lines of this script list them." >&2
        exit 2
        ;;
    esac
done

#!/usr/bin/env bash
# Give the docker command its 'compose' (version 2) where it has none: the plugin is one static program in Debian 13's
# package docker-compose, taken out of it inside a container, so that this machine's own packages stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then exit 0; fi
docker image inspect debian:trixie-slim >/dev/null 2>&1 || docker pull -q debian:trixie-slim >/dev/null 2>&1 ||
    docker/orthanc/base-image.sh debian:trixie-slim

plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
mkdir -p "$plugins"
# shellcheck disable=SC2016 # expanded inside the container
docker run --rm --network host -v "$plugins:/plugins" debian:trixie-slim sh -euc '
    cd /tmp
    apt-get update -q >/dev/null
    apt-get download -q docker-compose >/dev/null 2>&1
    dpkg-deb -x docker-compose_*.deb package
    cp "$(find package -type f -name docker-compose -path "*cli-plugins*")" /plugins/docker-compose
    chown "$1" /plugins/docker-compose' sh "$(id -u):$(id -g)"
docker compose version

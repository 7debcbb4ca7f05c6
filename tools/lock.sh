#!/usr/bin/env bash
# Write requirements.lock and requirements-dev.lock: every package pinned with the hashes of its files, for every
# system and every Python from 3.11, with no index address. Keeps the pins that still fit.
# Usage: lock.sh [--into FOLDER] [--upgrade] [other options of 'uv pip compile']
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.
if [ "${1:-}" = --into ]; then
    folder=$2
    shift 2
    cp -n requirements.lock requirements-dev.lock "$folder"
fi

uv=${UV:-.venv/bin/uv}

compile() { # OUTPUT INPUTS...
    local output=$1
    shift
    echo "Resolving $output" >&2
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
        --output-file "$folder/$output" "$@" >/dev/null
}

compile requirements.lock pyproject.toml tools/build-requirements.txt "$@"
# The tests run what users run: the development lock repeats the pins of the first one.
compile requirements-dev.lock pyproject.toml tools/build-requirements.txt --extra dev --constraint "$folder/requirements.lock" "$@"

#!/usr/bin/env bash
# Everything the lab needs on this machine, once; a second run finds it done. The Makefile calls this.
# Usage: setup.sh lab     the virtual environment .venv, and Orthanc where no Docker engine answers
#        setup.sh test    all of that, Orthanc in any case, and what the tests use
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-lab}
case $what in
lab) lock=requirements.lock ;;
test) lock=requirements-dev.lock ;;
*)
    echo "setup.sh: there is nothing called '$what'; say 'lab' or 'test'." >&2
    exit 2
    ;;
esac

orthanc_packages=(orthanc orthanc-dicomweb orthanc-gdcm gcc libc6-dev nginx-light)
# What the labs are the better for, and say so where it is missing: tesseract-ocr reads burned-in text, and the others are
# the clients of the network labs.
lab_extras=(tesseract-ocr dcmtk nmap tcpdump)
test_packages=("${lab_extras[@]}" chromium dicom3tools libgdcm-tools lua5.4 openssl shellcheck)

fail() {
    echo "PACS Lab: $1" >&2
    exit 2
}

# patiently SENTENCE COMMAND...: run quietly, show that time passes, and the last lines only if it fails.
patiently() {
    local sentence=$1 log status=0 started=$SECONDS job
    shift
    log=$(mktemp)
    "$@" </dev/null >"$log" 2>&1 &
    job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
    if [ -t 1 ]; then
        while kill -0 "$job" 2>/dev/null; do
            printf '\r%s ... %d s ' "$sentence" $((SECONDS - started))
            sleep 0.5
        done
        printf '\r%s ... %d s ' "$sentence" $((SECONDS - started))
    else
        printf '%s ...' "$sentence"
    fi
    wait "$job" || status=$?
    trap - INT TERM
    if [ "$status" = 0 ]; then
        if [ -t 1 ]; then echo 'done'; else echo " done ($((SECONDS - started)) s)"; fi
        rm -f "$log"
        return
    fi
    echo 'failed'
    tail -n 20 "$log" >&2
    fail "that step failed; its last lines stand above, all of them in $log."
}

missing() { # PACKAGE...: print those that are not installed
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] || echo "$package"
    done
}

# install_packages ARGUMENTS...: with tools/install-packages.sh, as root or with sudo, and said.
install_packages() {
    local names=" $*"
    names=${names/ --if-offered/}
    if [ "$(id -u)" = 0 ]; then
        patiently "Installing from the system's packages:$names" tools/install-packages.sh "$@"
    elif command -v sudo >/dev/null; then
        echo "This needs packages of the system, so sudo may ask for your password:$names"
        sudo -v || fail "sudo refused; ask the machine's administrator for: apt-get install$names"
        patiently 'Installing them' sudo tools/install-packages.sh "$@"
    else
        fail "this needs root and there is no sudo; ask the machine's administrator for: apt-get install$names"
    fi
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    if [ -n "${PYTHON:-}" ]; then fail "PYTHON is '$PYTHON', which is not Python 3.11 or newer; name another or unset it."; fi
    fail "this needs Python 3.11 or newer; install it (Debian 12, Ubuntu 24.04 and later have it: sudo apt-get install python3)."
}

# What an installation depends on: a second run with the same is nothing to do.
state() { # LOCK
    {
        pwd
        cat "$1" pyproject.toml
        .venv/bin/python --version
    } 2>&1 | cksum
}

install_python_packages() {
    local stamp=.venv/.installed-$what
    [ "$(cat "$stamp" 2>/dev/null)" != "$(state "$lock")" ] || return 0
    # The environment of the tests has everything that the lab needs.
    [ "$what" != lab ] || [ "$(cat .venv/.installed-test 2>/dev/null)" != "$(state requirements-dev.lock)" ] || return 0
    if ! new_enough .venv/bin/python || ! grep -qsxF "$PWD" .venv/.place; then
        patiently 'Making the virtual environment .venv' "$python" -m venv --clear .venv
        echo "$PWD" >.venv/.place
    fi
    patiently "Installing $(grep -c '==' "$lock") Python packages into .venv" \
        .venv/bin/python -m pip install --disable-pip-version-check --require-hashes -r "$lock"
    patiently 'Installing pacslab' \
        .venv/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
    state "$lock" >"$stamp"
}

docker_answers() { # asked as the lab asks, before its packages are installed
    "$python" - 2>/dev/null <<'END' || { [ -n "${DOCKER_TLS_VERIFY:-}" ] && docker info >/dev/null 2>&1; }
import os, socket, sys, urllib.parse
place = urllib.parse.urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
if place.scheme == "unix":
    engine = socket.socket(socket.AF_UNIX)
    engine.settimeout(10)
    engine.connect(place.path)
else:
    engine = socket.create_connection((place.hostname, place.port or 2375), timeout=10)
engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
sys.exit(b" 200 " not in engine.recv(64))
END
}

# Everything of the system is asked for at once, so that sudo is needed once at most.
install_system_packages() {
    local wanted=() wished=() orthanc=
    if [ "$what" = test ] || [ "${PACSLAB_RUNTIME:-}" = process ] || ! docker_answers; then orthanc=yes; fi
    if ! command -v apt-get >/dev/null; then
        without_apt
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        wanted+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
    fi
    if [ "$orthanc" ]; then mapfile -t -O "${#wanted[@]}" wanted < <(missing "${orthanc_packages[@]}"); fi
    if [ "$what" = test ] && [ "$(cat .venv/.test-tools 2>/dev/null)" != "${test_packages[*]}" ]; then
        mapfile -t wished < <(missing "${test_packages[@]}")
    elif [ "${#wanted[@]}" -gt 0 ]; then
        mapfile -t wished < <(missing "${lab_extras[@]}")
    fi
    [ $((${#wanted[@]} + ${#wished[@]})) -gt 0 ] || return 0
    install_packages "${wanted[@]}" --if-offered "${wished[@]}"
    if [[ " ${wanted[*]} " = *' orthanc '* ]]; then
        echo "Debian's own Orthanc and nginx services stay switched off: they would listen on every interface."
    fi
}

without_apt() {
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        fail "$python has no venv module; install your system's package for it, then try again."
    elif docker_answers; then
        return
    elif [ "$(uname -s)" != Linux ]; then
        fail 'no Docker engine answers; install and start Docker, then try again.'
    elif ! command -v Orthanc >/dev/null || ! command -v cc >/dev/null; then
        fail 'no Docker engine answers; start Docker, or install Orthanc with its DICOMweb plugin and a C compiler, then try again.'
    fi
}

python=$(find_python)
install_system_packages
install_python_packages
if [ "$what" = test ]; then echo "${test_packages[*]}" >.venv/.test-tools; fi # what this system does not offer is asked for once

#!/usr/bin/env bash
# Make a Debian base image from this machine's own package mirror, for a Docker engine that reaches no registry.
# Usage: base-image.sh [debian:SUITE-slim]     (default debian:trixie-slim; SUITE may also be sid)
set -euo pipefail

name=${1:-debian:trixie-slim}
suite=${name#*:}
suite=${suite%-slim}

fail() {
    echo "base-image.sh: $1" >&2
    exit 1
}

if ! command -v mmdebstrap >/dev/null; then
    command -v apt-get >/dev/null || fail "making $name needs mmdebstrap (in Debian's and Ubuntu's packages); install it."
    [ "$(id -u)" = 0 ] || fail "making $name needs mmdebstrap; install it: sudo apt-get install mmdebstrap debian-archive-keyring"
    apt-get install -y -q --no-install-recommends mmdebstrap debian-archive-keyring >/dev/null 2>&1 ||
        { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends mmdebstrap debian-archive-keyring >/dev/null; }
fi

# The mirror that this machine's apt uses for Debian itself; mmdebstrap's own, which is Debian's public one, elsewhere.
mirror=
if grep -q '^ID=debian$' /etc/os-release 2>/dev/null; then
    # shellcheck disable=SC2016 # apt's own variables
    own=$(apt-get indextargets --format '$(SITE) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 == "Debian" && $1 !~ /security/ && !seen++ { print $1 }')
    [ -z "$own" ] || mirror=$own
fi

# How this machine's apt reaches its mirror holds inside the image too.
options=()
for option in Acquire::Check-Valid-Until Acquire::Check-Date Acquire::http::Proxy Acquire::https::Proxy; do
    value=$(apt-config dump --no-empty --format '%v%n' "$option" 2>/dev/null | sed -n 1p)
    [ -z "$value" ] || options+=("--aptopt=$option \"$value\"")
done

# The certificates that this machine's administrator trusts, so that pip and apt work behind a local mirror.
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    # shellcheck disable=SC2016 # mmdebstrap gives its hooks the folder as $1
    options+=('--customize-hook=copy-in /usr/local/share/ca-certificates /usr/local/share'
        '--customize-hook=chroot "$1" update-ca-certificates >/dev/null 2>&1')
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "Making $name from Debian $suite (about half a minute)"
mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "${options[@]}" "$suite" "$folder/base.tar" ${mirror:+"$mirror"} ||
    fail "mmdebstrap could not make $name from ${mirror:-the public mirror of Debian}."
docker import --change 'CMD ["bash"]' "$folder/base.tar" "$name" >/dev/null
echo "Made $name"

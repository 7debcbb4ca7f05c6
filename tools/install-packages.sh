#!/usr/bin/env bash
# Install packages of this Debian or Ubuntu system. Run as root; tools/setup.sh calls it, with sudo where needed.
# Usage: install-packages.sh PACKAGE... [--if-offered PACKAGE...]
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

installed() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]; }
offered() { [[ "$(apt-cache policy "$1" 2>/dev/null)" =~ Candidate:\ [^\(] ]]; }

needed=() wished=()
list=needed
for one in "$@"; do
    case $one in
    --if-offered) list=wished ;;
    *)
        if installed "$one"; then
            continue
        elif [ "$list" = needed ]; then
            needed+=("$one")
        else
            wished+=("$one")
        fi
        ;;
    esac
done

for one in "${needed[@]}" "${wished[@]}"; do
    offered "$one" && continue
    apt-get update -q
    break
done
for one in "${wished[@]}"; do
    if offered "$one"; then needed+=("$one"); else echo "This system does not offer the package $one."; fi
done
[ "${#needed[@]}" -gt 0 ] || exit 0

# No service is started by an installation. Debian's own Orthanc and nginx services would listen on every interface:
# they do not start at the next boot either. One that was installed before is its owner's, and left alone.
services=()
for one in "${needed[@]}"; do
    case $one in
    orthanc) services+=(orthanc) ;;
    nginx-light) command -v nginx >/dev/null || services+=(nginx) ;;
    esac
done
policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\n# Written by PACS Lab for one installation.\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

# Lists that are too old name files that are gone: one fresh look, then the same again.
apt-get install -y -q --no-install-recommends "${needed[@]}" ||
    { apt-get update -q && apt-get install -y -q --no-install-recommends "${needed[@]}"; }

for one in "${services[@]}"; do
    systemctl disable --now "$one.service" >/dev/null 2>&1 || deb-systemd-helper disable "$one.service" >/dev/null 2>&1 || true
    update-rc.d "$one" disable >/dev/null 2>&1 || true
done

#!/usr/bin/env bash
# Install packages of this Debian or Ubuntu system. Run as root; tools/setup.sh calls it, with sudo where needed.
# Usage: install-packages.sh PACKAGE... [--if-offered PACKAGE...]
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

installed() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]; }
offered() { [[ "$(apt-cache policy "$1" 2>/dev/null)" =~ Candidate:\ [^\(] ]]; }

needed=() wished=()
list=needed
for argument in "$@"; do
    case $argument in
    --if-offered) list=wished ;;
    *)
        if installed "$argument"; then
            continue
        elif [ "$list" = needed ]; then
            needed+=("$argument")
        else
            wished+=("$argument")
        fi
        ;;
    esac
done

for package in "${needed[@]}" "${wished[@]}"; do
    offered "$package" && continue
    apt-get update -q
    break
done
for package in "${wished[@]}"; do
    if offered "$package"; then needed+=("$package"); else echo "This system does not offer the package $package."; fi
done
[ "${#needed[@]}" -gt 0 ] || exit 0

# No service is started by an installation. Debian's own Orthanc and nginx services would listen on every interface:
# they do not start at the next boot either. One that was installed before is its owner's, and left alone.
services=()
for package in "${needed[@]}"; do
    case $package in
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

for service in "${services[@]}"; do
    systemctl disable --now "$service.service" >/dev/null 2>&1 || deb-systemd-helper disable "$service.service" >/dev/null 2>&1 || true
    update-rc.d "$service" disable >/dev/null 2>&1 || true
done

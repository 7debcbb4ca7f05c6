#!/bin/bash
set -eu

if [ "$#" -ne 1 ]; then
    echo "ERROR: this entrypoint takes exactly one argument, not $#" >&2
    exit 2
fi

if [ "${GENERATE_HOST_ID_IF_MISSING:-true}" = true ] && [ ! -f /etc/hostid ]; then
    head -c 4 /dev/urandom >/etc/hostid # fails on a read-only root
fi

cd /startup
python3 generate_configuration.py >/tmp/orthanc.merged.json
envsubst </tmp/orthanc.merged.json >/tmp/orthanc.json
rm /tmp/orthanc.merged.json

exec Orthanc "$1"

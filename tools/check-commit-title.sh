#!/usr/bin/env bash
# Refuse a commit title of more than 72 characters, or a title that ends with a full stop. Usage: check-commit-title.sh FILE
set -euo pipefail

title=$(grep -v '^#' "$1" | head -n 1)
case $title in
fixup!* | squash!* | Merge*) exit 0 ;;
*.)
    echo 'The title ends with a full stop; leave it out.' >&2
    exit 1
    ;;
esac
if [ "${#title}" -gt 72 ]; then
    echo "The title has ${#title} characters; 72 is the most. Put the rest into the body." >&2
    exit 1
fi

#!/usr/bin/env bash
# Asks a running engine what schemathesis makes up from the API's description. It has an environment of its own, every file
# of it checked against its hash; what was made is kept while its lock is the same.
set -euo pipefail
cd "$(dirname "$0")/.."
ours=$PWD/.venv/bin
theirs=$PWD/.venv-campaign/bin
[ -d "$ours" ] || { ours=$PWD/.venv/Scripts; theirs=$PWD/.venv-campaign/Scripts; }

stamp=$(cat .ci/questions.sh requirements-campaign.txt | cksum)
if [ "$(cat .venv-campaign/stamp 2>/dev/null)" != "$stamp $PWD" ]; then
    rm -rf .venv-campaign
    "$ours/python" -m venv .venv-campaign
    if ! "$theirs/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-campaign.txt; then
        rm -rf .venv-campaign
        echo "the API's description was NOT asked about: schemathesis cannot be had here"
        exit 0
    fi
    echo "$stamp $PWD" >.venv-campaign/stamp
fi
exec "$ours/python" -m bench.questions "$theirs/schemathesis" "$@"

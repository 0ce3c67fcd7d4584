#!/usr/bin/env bash
# The pictures of the README: the flow that comes with the program runs for a while, and the console draws its pages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$PWD/.venv/bin/python
folder=$(mktemp -d)
trap 'kill "$engine" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
cp flows.toml "$folder/"

"$python" -m pipeline run "$folder/flows.toml" >"$folder/said.txt" 2>&1 &
engine=$!
echo "a market of sixty times the speed runs for ${1:-150} s"
sleep "${1:-150}"
mkdir -p docs/pictures
draw() { XDG_CONFIG_HOME=$folder/config "$python" -m pipeline console "$folder/flows.toml" --page "$1" --size "$2" --screenshot "docs/pictures/$1.svg"; }
draw dash 120x36
draw chart 120x36
draw trades 120x36
draw flow 160x40
draw edit 120x36
ls -l docs/pictures

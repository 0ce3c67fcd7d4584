#!/usr/bin/env bash
# A practice venue, and the flow of four accounts that trades there, with its console: two programs that end together.
# Further words go to `run`: `bash .ci/demo.sh --for 30s` without a console, as scripts have it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
[ -x "$python" ] || python=.venv/Scripts/python
mkdir -p data/venue
said=data/venue/said.txt
set -m # in a process group of its own: Ctrl-C is for the flow, which still has to hear of its orders
"$python" -m pipeline venue serve --speed 60 --port 8778 --folder data/venue >"$said" 2>&1 &
venue=$!
set +m
end() {
    kill "$venue" 2>/dev/null || true
    wait "$venue" 2>/dev/null || true
}
trap end EXIT
for _ in $(seq 200); do
    grep -q "listens at" "$said" && break
    kill -0 "$venue" 2>/dev/null || break
    sleep 0.1
done
if ! grep -q "listens at" "$said"; then
    cat "$said" >&2
    exit 1
fi
head -n 1 "$said"
[ $# -gt 0 ] || set -- --console
"$python" -m pipeline run flows/networked.toml "$@"

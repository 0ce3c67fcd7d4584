#!/usr/bin/env bash
# Runs the parts of `make test` that are named, each by itself: one that fails does not keep the others from running.
# Ends with a line for each and how long it took; the exit code is 1 when any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
[ -d "$bin" ] || bin=$PWD/.venv/Scripts
export PATH="$bin:$PATH"
export PYRIGHT_PYTHON_IGNORE_WARNINGS=1 # without it pyright asks the network for a newer pyright

part_format-check() { ruff format --check .; }
part_lint() { ruff check .; }
part_types() { pyright; }
part_contracts() { lint-imports --no-logo; }
part_tests() { python -m pytest --cov; }
part_flows() {
    shopt -s nullglob
    local flow failed=0
    for flow in flows.toml flows/*.toml; do
        python -m pipeline validate "$flow" || failed=1
    done
    python -m pipeline test flows.toml flows/*.toml || failed=1
    return $failed
}
part_readme() { python .ci/readme_blocks.py README.md; }
part_wheel-check() { bash .ci/wheel.sh; }

told=()
failed=0
for part in "$@"; do
    echo "── $part"
    began=$SECONDS
    if "part_$part"; then verdict=ok; else verdict=FAILED failed=1; fi
    told+=("$(printf '%-13s %-7s %4d s' "$part" "$verdict" $((SECONDS - began)))")
done
if [ $# -gt 1 ]; then
    echo "──"
    printf '%s\n' "${told[@]}"
fi
exit $failed

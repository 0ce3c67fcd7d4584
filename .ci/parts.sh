#!/usr/bin/env bash
# Runs the parts of `make test` that are named: one that fails does not keep the others from running. What holds a connector to
# its deadlines is first and alone. Then all but the tests run beside each other, and what one says is kept until its turn, so
# that no two are mixed; then the tests have every core.
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
part_tests() { python -m pytest -n auto --maxprocesses 8 --dist worksteal; }
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
part_clients() { bash .ci/clients.sh; }
part_conform() { # mostly waiting, so both at once
    python -m pipeline venue conform --connector deriv >"$kept/conform.deriv" 2>&1 &
    local deriv=$! failed=0
    python -m pipeline venue conform --connector http || failed=1
    wait "$deriv" || failed=1
    cat "$kept/conform.deriv"
    return $failed
}
part_feed() { # mostly waiting, so all at once, the longest first
    python -m pytest tests/feed/acceptance.py -p no:cacheprovider -n 4 --dist worksteal --durations=10
}

kept=$(mktemp -d)
trap 'end_all; rm -rf "$kept"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

end_all() {
    local pid
    for pid in $(jobs -p); do kill -- "-$pid" 2>/dev/null; done
}

timed() {
    local began=$SECONDS ended=0
    "part_$1" || ended=1
    echo $((SECONDS - began)) >"$kept/$1.took"
    return $ended
}

told=()
failed=0
tell() {
    local verdict=ok
    if [ "$2" -ne 0 ]; then verdict=FAILED failed=1; fi
    told+=("$(printf '%-13s %-7s %4d s' "$1" "$verdict" "$(cat "$kept/$1.took")")")
}

first=() beside=() alone=() pids=()
for part in "$@"; do
    case $part in
        conform) first+=("$part") ;;
        tests) alone+=("$part") ;;
        *) if [ $# -eq 1 ]; then alone+=("$part"); else beside+=("$part"); fi ;;
    esac
done
by_itself() {
    local part
    for part in "$@"; do
        echo "── $part"
        timed "$part"
        tell "$part" $?
    done
}
by_itself ${first[@]+"${first[@]}"} # so that older shells take an empty list
if [ ${#beside[@]} -gt 0 ]; then
    set -m # each in a process group of its own, so that all of it ends with us
    for part in "${beside[@]}"; do
        timed "$part" >"$kept/$part" 2>&1 </dev/null &
        pids+=($!)
    done
    set +m
    for number in "${!beside[@]}"; do
        echo "── ${beside[number]}"
        wait "${pids[number]}"
        ended=$?
        cat "$kept/${beside[number]}"
        tell "${beside[number]}" $ended
    done
fi
by_itself ${alone[@]+"${alone[@]}"}
if [ $# -gt 1 ]; then
    echo "──"
    printf '%s\n' "${told[@]}"
fi
exit $failed

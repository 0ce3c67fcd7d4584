#!/usr/bin/env bash
# Runs the parts of `make test` that are named: one that fails does not keep the others from running.
#
# Two kinds go on beside each other. What only computes has a low priority, and so the time in which the others wait. What is
# held to deadlines has ours: a connector's conformance first, then the feed, the clients of others and the tests at once. What
# the tests say is shown as they say it, what the others say in its turn, so that no two are mixed.
# Ends with a line for each and how long it took; the exit code is 1 when any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
[ -d "$bin" ] || bin=$PWD/.venv/Scripts
export PATH="$bin:$PATH"
export PYRIGHT_PYTHON_IGNORE_WARNINGS=1 # without it pyright asks the network for a newer pyright
unset PYTHONDONTWRITEBYTECODE # what one program had to compile the next one finds: a second of each start

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

if [ $# -eq 1 ]; then
    echo "── $1"
    "part_$1"
    exit
fi

timed() { # what runs a part, and the part
    local began=$SECONDS ended=0
    "$@" || ended=1
    echo "$ended $((SECONDS - began))" >"$kept/${!#}.ended"
}
at_low_priority() { # one after the other
    local niceness=$1 part
    shift
    for part in "$@"; do
        timed nice -n "$niceness" bash .ci/parts.sh "$part" >"$kept/$part" 2>&1 </dev/null
    done
}
at_our_priority() {
    timed bash .ci/parts.sh "$1" >"$kept/$1" 2>&1 </dev/null
}
shown() { timed bash .ci/parts.sh "$1"; }
collected() { # so that the tests are compiled once, and not by each of the processes that run them
    nice -n 5 python -m pytest --collect-only -q >/dev/null 2>&1 </dev/null
}

computing=() waiting=()
asked() { [[ " $parts " = *" $1 "* ]]; }
parts="$*"
for part in "$@"; do
    case $part in
        conform | tests | types) ;;
        feed | clients) waiting+=("$part") ;;
        *) computing+=("$part") ;;
    esac
done

set -m # each of these in a process group of its own, so that all of it ends with us
at_low_priority 10 ${computing[@]+"${computing[@]}"} & # so that older shells take an empty list
if asked types; then at_low_priority 19 types & fi
if asked tests; then collected & collecting=$!; fi
set +m
if asked conform; then shown conform; fi
if asked tests; then wait "$collecting"; fi
set -m
for part in ${waiting[@]+"${waiting[@]}"}; do at_our_priority "$part" & done
set +m
if asked tests; then shown tests; fi
wait

failed=0 told=()
for part in "$@"; do
    if [ -e "$kept/$part" ]; then cat "$kept/$part"; fi
    read -r ended took <"$kept/$part.ended"
    verdict=ok
    if [ "$ended" -ne 0 ]; then verdict=FAILED failed=1; fi
    told+=("$(printf '%-13s %-7s %4d s' "$part" "$verdict" "$took")")
done
echo "──"
printf '%s\n' "${told[@]}"
exit $failed

"""All benchmarks, one after the other: `python -m bench`. One of them with its options: `python -m bench NAME …`.

`networked` and `roundtrip` take ten minutes and `feed` three: they run only by their names.
"""

import sys

from bench import (
    closes,
    decisions,
    feed,
    health,
    logs,
    networked,
    replay,
    requests,
    roundtrip,
    stops,
    store,
    telemetry,
    windows,
)

ALL = (windows, closes, health, replay, decisions, store, stops, requests, telemetry, logs)

if __name__ == "__main__":
    named = {each.__name__.removeprefix("bench."): each for each in (*ALL, feed, networked, roundtrip)}
    if len(sys.argv) > 1 and sys.argv[1] not in named:
        sys.exit(f"there is no benchmark {sys.argv[1]!r}; name one of {', '.join(named)}")
    for each in (named[sys.argv[1]],) if len(sys.argv) > 1 else ALL:
        sys.argv = [each.__name__, *sys.argv[2:]]
        print(f"— {each.__name__}")
        each.main()

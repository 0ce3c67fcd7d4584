"""All benchmarks, one after the other: `python -m bench`."""

import sys

from bench import closes, decisions, health, replay, requests, stops, store, windows

if __name__ == "__main__":
    for each in (windows, closes, health, replay, decisions, store, stops, requests):
        sys.argv = [each.__name__]
        print(f"— {each.__name__}")
        each.main()

"""All benchmarks, one after the other: `python -m bench`."""

import sys

from bench import replay

if __name__ == "__main__":
    sys.argv = ["bench.replay"]
    replay.main()

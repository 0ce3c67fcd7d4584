"""The installed command `moonlight`; in the wheel this file is `moonlight/__main__.py`.

The wheel keeps our folders below `moonlight/_app`, out of everybody else's way, and they import each other by their
flat names; so that folder goes first on the path before anything of ours is imported.
"""

import sys
from importlib import import_module
from pathlib import Path


def main() -> int:
    sys.path.insert(0, str(Path(__file__).with_name("_app")))
    return int(import_module("pipeline.__main__").main())


if __name__ == "__main__":
    sys.exit(main())

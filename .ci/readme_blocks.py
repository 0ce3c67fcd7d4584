"""Does what the README says: runs its blocks in a copy of the tree, so that no reader is the first to try them.

A fenced block whose info string has the word `run` (```sh run, ```console run) is executed; of a console block only
the lines that begin with `$ `. A `toml` block that is a whole flow (it has sources and sinks) must validate. Blocks
share one copy and run in order, as a reader would do them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 600


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the words of its info string, its text, and the line it begins at."""

    words: tuple[str, ...]
    text: str
    line: int


def main(document: Path) -> int:
    blocks = tuple(_blocks(document.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        tree = _copy(document.resolve().parent, Path(folder) / "tree")
        commands = [(block, command) for block in blocks if (command := _command(block, tree))]
        failed = sum(not _passes(document, block, command, tree) for block, command in commands)
    print(f"{len(commands) - failed} blocks of {document.name} do what they say, {failed} do not")
    return 1 if failed else 0


def _blocks(text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        yield Block(tuple(match["info"].split()), match["text"], text.count("\n", 0, match.start()) + 1)


def _copy(root: Path, tree: Path) -> Path:
    """What is under version control, as it stands now, with the environment we run in beside it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, tree / name)
    (tree / ".venv").symlink_to(root / ".venv", target_is_directory=True)
    return tree


def _command(block: Block, tree: Path) -> str:
    """What to run in bash for a block; nothing for one that is only to be read."""
    match block.words:
        case ["toml", *_] if {"sources", "sinks"} <= tomllib.loads(block.text).keys():
            (tree / f"readme-{block.line}.toml").write_text(block.text, encoding="utf-8")
            return f"python -m pipeline validate readme-{block.line}.toml"
        case ["console", *rest] if "run" in rest:
            return "\n".join(line[2:] for line in block.text.splitlines() if line.startswith("$ "))
        case ["sh", *rest] if "run" in rest:
            return block.text
        case _:
            return ""


def _passes(document: Path, block: Block, command: str, tree: Path) -> bool:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tree,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"{document.name}:{block.line}: not done after {SECONDS} s\n{command}")
        return False
    if done.returncode:
        print(f"{document.name}:{block.line}: ended with {done.returncode}\n{command}\n{done.stdout}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

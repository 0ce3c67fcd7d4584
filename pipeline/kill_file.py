"""A flow's folder, and the file in it that stops everybody: that takes no ledger, no whole flow and no library."""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from pipeline.errors import PlanError
from pipeline.toml_text import read

DATA = "data"
"""The folder, beside the file, of a flow that names none."""
KILL_FILE = "KILL"
"""A file of this name in the flow's folder is a stop for everybody; what it says is the reason."""
LONGEST = 200
"""Letters of a reason that are kept."""
WORDLESS = "without a word"
UNSHOWN = "\N{REPLACEMENT CHARACTER}"


def folder_in(flow: Path) -> Path:
    """The folder of the flow in a file, whatever else is wrong in it; where its text is no TOML, the usual one."""
    try:
        data = data_in(read(flow).data)
    except PlanError:
        if not flow.is_file():
            raise
        data = DATA
    return flow.resolve().parent / data


def data_in(flow: dict[str, Any]) -> str:
    """The folder that a flow names, as it names it."""
    table = flow.get("moonlight")
    data = cast("dict[str, Any]", table).get("data") if isinstance(table, dict) else None
    return data if isinstance(data, str) else DATA


def put_file(flow: Path, reason: str) -> Path:
    """Stop everybody by the file, where the ledger takes no stop; the path of the file."""
    folder = flow.resolve().parent / data_in(read(flow).data)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KILL_FILE
    path.touch()
    with suppress(OSError):  # on a full disk it is empty, and stops all the same
        path.write_text(worded(reason), encoding="utf-8")
    return path


def asked_by_file(folder: Path) -> str | None:
    """The reason in the file that stops everybody; None while there is none."""
    path = folder / KILL_FILE
    try:
        with path.open("rb") as file:
            return file.read(4 * LONGEST).decode("utf-8", "replace").strip() or WORDLESS
    except FileNotFoundError:
        return None if not path.is_symlink() else "a link that leads nowhere"
    except OSError as failure:
        return f"it cannot be read ({failure.strerror})"


def remove_file(folder: Path) -> None:
    """Where it cannot be taken away it goes on stopping, whatever is released meanwhile."""
    with suppress(OSError):
        (folder / KILL_FILE).unlink()


def worded(reason: str) -> str:
    """A reason on one line of a bearable length that steers no terminal; there is always one."""
    line = " ".join(reason.split())
    line = "".join(letter if letter.isprintable() else UNSHOWN for letter in line)
    return (line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") or f"by hand, {WORDLESS}"

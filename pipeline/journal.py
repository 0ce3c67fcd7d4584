"""The journal: what crossed the door of a running flow, and what the flow made of it, so that it can be made again.

A folder with `header.json` (the flow file, versions, a hash of the code) and `journal.jsonl`, one line for each thing
that entered, each waking and each thing a node gave. Of what nodes give, decisions and orders are kept whole, the rest
as a digest; all of them are links of one hash chain. Numbers are written so that they read back bit by bit. A session
that came to its end has a last line that says so; one whose program was killed is cut off anywhere.
"""

import hashlib
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline import evidence, service, values
from pipeline.changes.revision import Revision
from pipeline.errors import InputError, MoonlightError
from pipeline.hogging.pauses import Interruption
from pipeline.plan import Plan
from pipeline.values import Approved, Decisions, Order, Past

FORMAT = 1
HEADER, LINES = "header.json", "journal.jsonl"
INTERRUPTED = "interrupted"
KEPT = (Decisions, Approved, Order)

EVENTS: Mapping[str, type[Any]] = (
    {
        kind.__name__: kind
        for kind in (values.Ack, values.Reject, values.Settlement, values.Link, values.Latch, values.Slept, Order, Past)
    }
    | {
        kind.__name__: kind
        for kind in (values.Arming, values.Leaving, values.Gap, values.Dropped, values.Switched, values.Held)
    }
    | {kind.__name__: kind for kind in (*evidence.ENTERING, *service.TOLD, Revision)}
)
BATCHES: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (values.Quotes, values.Payouts, values.Bars, values.Tips)
}


class Hash(Protocol):
    """As much of a hash as is fed here."""

    def update(self, data: bytes, /) -> None: ...


class JournalError(MoonlightError):
    """A recording that was asked for cannot be kept."""


class Header(msgspec.Struct, frozen=True):
    """What must be the same for a replay to be the same."""

    format: int
    file: str
    flow: str
    begin: int
    code: str
    python: str
    numpy: str
    later: bool = False
    """Whether it was told by the ledger's door that an intent is on disk, rather than at once."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened: `entered` by a port, `woke`, or `gave` by a node (the `n`-th, with the chain so far).

    `interrupted` is a strategy that took too long, before what came of it.
    `ended` is the last line of a session that came to its end.
    """

    at: int
    what: str
    node: str = ""
    type: str = ""
    value: Any = None
    n: int = 0
    chain: str = ""


class Chain:
    """A hash over everything given so far, in order."""

    def __init__(self) -> None:
        self.links = 0
        self._hash = hashlib.sha256()

    def link(self, node: str, value: Any) -> str:
        self.links += 1
        self._hash.update(f"{node}:{digest(value)}".encode())
        return self._hash.hexdigest()[:16]


class Journal:
    """The writing end; a `Recorder` of a flow's door and a tap on its nodes."""

    def __init__(self, folder: Path, plan: Plan, begin: int, *, later: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LINES
        if path.exists():
            raise InputError(f"{folder} holds a recorded session already; name a new folder, or remove it")
        (folder / HEADER).write_bytes(msgspec.json.format(msgspec.json.encode(header_of(plan, begin, later=later))))
        self._file = path.open("wb")
        self._chain = Chain()
        self._at = begin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        """A flow that failed may have done so in the middle of what came of something: that is no end."""
        if kind is None:
            self.close()
        else:
            self._file.close()

    def entered(self, at: int, port: str, value: Any) -> None:
        self._write(Line(at, "entered", port, type(value).__name__, plain(value)))

    def woke(self, at: int) -> None:
        self._write(Line(at, "woke"))

    def interrupted(self, at: int, value: Interruption) -> None:
        self._write(Line(at, INTERRUPTED, value.node, type(value).__name__, plain(value)))

    def gave(self, at: int, node: str, value: Any) -> None:
        kept = plain(value) if isinstance(value, KEPT) else digest(value)
        chain = self._chain.link(node, value)
        self._write(Line(at, "gave", node, type(value).__name__, kept, self._chain.links, chain))

    def close(self) -> None:
        self._write(Line(self._at, "ended"))
        self._file.close()

    def _write(self, line: Line) -> None:
        self._at = line.at
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
        except OSError as failure:
            raise JournalError(f"the recording cannot be written ({failure}); the flow ended") from failure


def header_of(plan: Plan, begin: int, *, later: bool = False) -> Header:
    versions = (code_hash(), platform.python_version(), np.__version__)
    return Header(FORMAT, plan.file, plan.source.text, begin, *versions, later)


def read_header(folder: Path) -> Header:
    try:
        header = msgspec.json.decode((folder / HEADER).read_bytes(), type=Header)
    except FileNotFoundError:
        raise InputError(f"{folder} holds no recorded session; record one with `run --record {folder}`") from None
    except (OSError, msgspec.DecodeError) as wrong:
        raise InputError(f"{folder / HEADER} cannot be read ({wrong}); it is not a whole recording") from wrong
    if header.format != FORMAT:
        raise InputError(
            f"{folder} has format {header.format}, this version reads {FORMAT}; use the version that recorded it"
        )
    return header


def read_lines(folder: Path) -> Iterator[Line]:
    """Every line. A last line that was cut off (the program was killed while it wrote) is left out."""
    decoder = msgspec.json.Decoder(Line)
    if not (folder / LINES).exists():
        raise InputError(f"{folder} holds no recorded session, only its {HEADER}; record it again")
    with (folder / LINES).open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                return
            try:
                yield decoder.decode(raw)
            except msgspec.DecodeError as wrong:
                raise InputError(
                    f"{folder / LINES} line {number} cannot be read ({wrong}); the recording is damaged"
                ) from wrong


def interruptions(folder: Path) -> Iterator[Interruption]:
    """Whom a recorded session interrupted, so that whoever makes it again need not wait for them."""
    if not (folder / LINES).exists():
        return
    mark = f'"what":"{INTERRUPTED}"'.encode()
    with (folder / LINES).open("rb") as file:
        for raw in file:
            if mark in raw and raw.endswith(b"\n"):
                line = msgspec.json.decode(raw, type=Line)
                if line.what == INTERRUPTED:
                    yield msgspec.convert(line.value, Interruption)


def plain(value: Any) -> Any:
    """A value as JSON can hold it without losing a bit."""
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value, enc_hook=str)
    return {entry.name: _plain_field(getattr(value, entry.name)) for entry in fields(value)}


def restored(type_name: str, value: Any) -> Any:
    """The value that `plain` was given."""
    if type_name in EVENTS:
        return msgspec.convert(value, EVENTS[type_name], strict=False)
    kind = BATCHES.get(type_name)
    if kind is None:
        raise InputError(f"a recorded {type_name} cannot enter a flow; the recording was made by another version")
    dtypes = {entry.name: DTYPES.get(str(entry.type)) for entry in fields(kind)}
    return kind(**{name: _array(each, dtypes[name]) if dtypes[name] else each for name, each in value.items()})


def digest(value: Any) -> str:
    """A short hash of a value's new rows."""
    hashed = hashlib.blake2b(digest_size=8)
    _feed(hashed, value, getattr(value, "fresh", None))
    return hashed.hexdigest()


def code_hash() -> str:
    """A hash of every line of this program."""
    root = Path(__file__).resolve().parent.parent
    hashed = hashlib.blake2b(digest_size=8)
    for folder in ("pipeline", "operators", "sources", "sinks"):
        for path in sorted((root / folder).rglob("*.py")):
            hashed.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return hashed.hexdigest()


DTYPES: Mapping[str, type[np.generic]] = {
    str(alias): kind
    for alias, kind in (
        (values.Stamps, np.int64),
        (values.Floats, np.float64),
        (values.Small, np.int8),
        (values.Counts, np.int32),
    )
}


def _plain_field(value: Any) -> Any:
    match value:
        case np.ndarray():
            return [_plain_number(each) for each in cast("list[Any]", value.tolist())]
        case Mapping():
            return {str(key): _plain_field(each) for key, each in cast("Mapping[Any, Any]", value).items()}
        case msgspec.Struct():
            return plain(value)
        case tuple():
            return [_plain_field(each) for each in cast("tuple[Any, ...]", value)]
        case _:
            return _plain_number(value)


def _plain_number(value: Any) -> Any:
    """JSON has no NaN and no infinity: those are written as words."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _array(items: list[Any], dtype: type[np.generic] | None) -> Any:
    return np.array([float(each) if isinstance(each, str) else each for each in items], dtype)


def _feed(hashed: Hash, value: Any, fresh: int | None) -> None:
    match value:
        case np.ndarray():
            column = cast("NDArray[Any]", value)
            rows = column if fresh is None else column[len(column) - fresh :]
            if rows.dtype.kind == "f":
                rows = np.where(rows == rows, rows, np.nan)  # one NaN is like another: a file keeps none of their bits
            hashed.update(np.ascontiguousarray(rows).tobytes())
        case Mapping():
            for key, each in sorted(cast("Mapping[Any, Any]", value).items(), key=lambda item: str(item[0])):
                hashed.update(str(key).encode())
                _feed(hashed, each, fresh)
        case msgspec.Struct():
            hashed.update(msgspec.json.encode(value))
        case tuple():
            for each in cast("tuple[Any, ...]", value):
                _feed(hashed, each, fresh)
        case _ if is_dataclass(value):
            for entry in fields(value):
                if entry.name != "columns":  # votes refer to the columns they are about; those have their own
                    _feed(hashed, getattr(value, entry.name), fresh)
        case _:
            hashed.update(repr(value).encode())

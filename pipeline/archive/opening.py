"""Files as they come: plain, .gz or a .zip of one, with a byte-order mark or without, piece by piece."""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Literal, Protocol

from pipeline.errors import InputError

Kind = Literal["csv", "jsonl", "parquet"]

ENDINGS: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".txt", ".tsv"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
PACKED = (".gz", ".zip")
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BROKEN = (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)
"""What a file that is packed wrongly or cut off raises."""
LONGEST_LINE = 16_000_000
PIECE = 4_000_000
"""Bytes that are read at a time."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is being read, unpacked: `raw` is what of it is on disk."""

    path: Path
    kind: Kind
    file: Readable
    raw: IO[bytes]
    size: int

    def done(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return self.raw.tell() / max(1, self.size)


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines; the first of a file is line 0."""

    line: int
    text: bytes


def kind_of(path: Path) -> Kind:
    name = PurePath(path.name)
    if name.suffix.lower() == ".gz":
        name = name.with_suffix("")
    elif name.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as packed:
            name = PurePath(_member(packed, path))
    kind = ENDINGS.get(name.suffix.lower())
    if kind is None or (kind == "parquet" and name.name != path.name):
        raise InputError(
            f"{path} is neither .parquet nor .csv nor .jsonl (nor a text packed as .gz or .zip); "
            "give a file of one of these kinds"
        )
    return kind


@contextmanager
def opened(path: Path) -> Generator[Opened]:
    with ExitStack() as stack:
        kind = kind_of(path)
        raw: IO[bytes] = stack.enter_context(path.open("rb"))
        file: Readable = raw
        if path.suffix.lower() == ".gz":
            file = stack.enter_context(gzip.GzipFile(fileobj=raw))
        elif path.suffix.lower() == ".zip":
            packed = stack.enter_context(zipfile.ZipFile(raw))
            file = stack.enter_context(packed.open(_member(packed, path)))
        yield Opened(path, kind, file, raw, path.stat().st_size)


def pieces(file: Readable, size: int = PIECE) -> Iterator[Piece]:
    """Pieces of about a size that end where a line ends, in UTF-8, without a byte-order mark."""
    text = file.read(len(codecs.BOM_UTF8))
    if text[:2] in WIDE:
        file = _Narrowed(file, codecs.getincrementaldecoder("utf-16")(), text)
        text = b""
    elif text == codecs.BOM_UTF8:
        text = b""
    line = 0
    while read := file.read(size):
        text += read
        end = text.rfind(b"\n") + 1
        if end:
            whole, text = text[:end], text[end:]
            yield Piece(line, whole)
            line += whole.count(b"\n")
        elif len(text) > LONGEST_LINE:
            raise InputError(f"a line of it is longer than {LONGEST_LINE:,} bytes; give a file of rows")
    if text:
        yield Piece(line, text + b"\n")


class _Narrowed:
    """A file in UTF-16, read as UTF-8."""

    def __init__(self, file: Readable, decoder: codecs.IncrementalDecoder, begun: bytes) -> None:
        self._file, self._decoder, self._begun = file, decoder, begun

    def read(self, size: int, /) -> bytes:
        read = self._begun + self._file.read(size)
        self._begun = b""
        return self._decoder.decode(read, final=not read).encode()


def _member(packed: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in packed.namelist() if not name.endswith("/")]
    fitting = [name for name in names if PurePath(name).suffix.lower() in ENDINGS]
    tables = [name for name in fitting if not name.lower().endswith(".txt")] or fitting
    if len(tables) != 1:
        raise InputError(f"{path} holds {len(tables)} files of rows; unpack it and give them one by one")
    return tables[0]

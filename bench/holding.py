"""What a process holds, told apart: objects by type, memory by who asked the system for it."""

import ctypes
import gc
import os
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

MIB = 2**20


class Memory(NamedTuple):
    """MiB, but for `blocks`. What cannot be had here is not a number."""

    rss: float
    blocks: int
    """Objects, and parts of objects, that Python's own allocator has given out."""
    heap: float
    """In use of what C gives: large objects, arrays, the pages of SQLite."""
    spare: float
    """What C's allocator keeps of what was given back."""
    sqlite: float


def memory() -> Memory:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    used, spare = _of_heap()
    return Memory(pages * os.sysconf("SC_PAGE_SIZE") / MIB, sys.getallocatedblocks(), used, spare, _of_sqlite() / MIB)


class Objects(NamedTuple):
    """All that a process holds, by type: how many, and bytes. What C code holds for itself is not seen."""

    counts: Counter[str]
    sizes: Counter[str]


def objects() -> Objects:
    """Counted in a process that is split off for it: looking at everything takes memory, which would be in the way."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as out:
                out.write(msgspec.json.encode(_counted()))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        counts, sizes = msgspec.json.decode(told.read(), type=tuple[dict[str, int], dict[str, int]])
    os.waitpid(child, 0)
    return Objects(Counter(counts), Counter(sizes))


def _counted() -> Objects:
    """Everything that can be reached from what the collector knows."""
    gc.unfreeze()
    gc.collect()
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    found: list[object] = gc.get_objects()
    seen = {id(each) for each in found}
    ours = {id(found), id(seen), id(counts), id(sizes)}
    for each in found:  # it grows meanwhile, by what the collector does not know: numbers, texts, plain values
        name = _named(type(each))
        counts[name] += 1
        sizes[name] += _size(each)
        for other in gc.get_referents(each):
            if id(other) not in seen and id(other) not in ours:
                seen.add(id(other))
                found.append(other)
    return Objects(counts, sizes)


def grown(before: Objects, after: Objects, most: int = 25) -> list[str]:
    """The types of which there is more than before, those that took most bytes first: a line each."""
    more = {name: size - before.sizes[name] for name, size in after.sizes.items() if size > before.sizes[name]}
    lines: list[str] = []
    for name in sorted(more, key=lambda each: -more[each])[:most]:
        count = after.counts[name]
        lines.append(f"{more[name] / 1024:+9.1f} KiB {count - before.counts[name]:+8,} to {count:9,}  {name}")
    return lines


def _named(kind: type[object]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _size(each: object) -> int:
    try:
        return sys.getsizeof(each)
    except (TypeError, ValueError, AttributeError, ReferenceError):  # of some of C's own nobody knows
        return 0


class _MallInfo(ctypes.Structure):
    """As `malloc.h` has it."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _of_heap() -> tuple[float, float]:
    """In use, and kept, of all arenas; glibc tells."""
    tell = _c_function(None, "mallinfo2")
    if tell is None:
        return float("nan"), float("nan")
    tell.restype = _MallInfo
    told = tell()
    return (told.uordblks + told.hblkhd) / MIB, told.fordblks / MIB


def _of_sqlite() -> float:
    """Bytes; of the library that Python's module is bound to."""
    module: Any = sys.modules.get("_sqlite3", sqlite3)
    tell = _c_function(getattr(module, "__file__", None), "sqlite3_memory_used")
    if tell is None:
        return float("nan")
    tell.restype = ctypes.c_int64
    return float(tell())


def _c_function(library: str | None, name: str) -> Any:
    try:
        return getattr(ctypes.CDLL(library), name)
    except (OSError, AttributeError):
        return None

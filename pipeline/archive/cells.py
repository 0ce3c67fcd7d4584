"""Columns as they stand in a file, as times and numbers."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
from numpy.typing import NDArray

from pipeline.archive.blocks import Block
from pipeline.archive.layout import Layout, Role
from pipeline.archive.moments import FORMS, EpochUnit, Moments, of_numbers, of_texts, of_walls, unit_of
from pipeline.values import Flags, Floats, Stamps

pa: Any = pyarrow
pc: Any = pyarrow.compute

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
BEYOND = 2.0**62
"""No time is so far away, in whatever unit."""


def is_text(column: Any) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def unit_of_column(column: Any) -> EpochUnit | None:
    """The unit of numbers since 1970; none of a column of timestamps."""
    column = _plain(column)
    if pa.types.is_timestamp(column.type):
        return None
    return unit_of(_whole(column)[0])


def times_of(block: Block, layout: Layout, role: Role = "time") -> Moments:
    """When each row was."""
    name = layout.columns[role]
    column = _plain(block.columns[name])
    if pa.types.is_timestamp(column.type):
        missing = np.asarray(column.is_null())
        stamps = column.fill_null(0).cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
        zoned = np.full(len(missing), column.type.tz is not None)
        return of_walls(_numpy(stamps).copy(), zoned, missing, layout.timing, name)
    if is_text(column) and layout.epoch is None:
        texts = _trimmed(column)
        if role == "time" and "date" in layout.columns:
            texts = pc.binary_join_element_wise(_trimmed(block.columns[layout.columns["date"]]), texts, " ")
        return of_texts(*_letters(texts), layout.timing, name)
    values, broken = _whole(column)
    unit = layout.epoch or "ms"
    moments = of_numbers(values, unit, name)
    if not broken.any():
        return moments
    wrong = {f"{name} is no whole number; {FORMS}": broken}
    return Moments(moments.ts, {**wrong, **{what: which & ~broken for what, which in moments.wrong.items()}})


def numbers_of(block: Block, layout: Layout, role: Role) -> Floats:
    """Prices and the like; NaN for what is no number."""
    column = block.columns[layout.columns[role]]
    return _floats(_plain(column), comma=layout.comma)


def whole_of(block: Block, layout: Layout, role: Role) -> Stamps:
    """Whole numbers; 0 for what is none."""
    return _whole(block.columns[layout.columns[role]])[0]


def _plain(column: Any) -> Any:
    """Days as timestamps, exact decimals as numbers, words of a dictionary as themselves."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("ms"))
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column


def _floats(column: Any, *, comma: bool = False) -> Floats:
    if is_text(column):
        texts = _trimmed(column)
        if comma:
            texts = pc.replace_substring(texts, ",", ".")
        try:
            column = texts.cast(pa.float64())
        except pa.ArrowInvalid:
            column = pc.if_else(pc.match_substring_regex(texts, NUMBER), texts, None).cast(pa.float64())
    values = _numpy(column)
    return values.astype(np.float64, copy=False) if values.dtype.kind in "iuf" else np.full(len(values), np.nan)


def _whole(column: Any) -> tuple[Stamps, Flags]:
    """Numbers as whole ones, and which are none."""
    if is_text(column):
        try:
            column = _trimmed(column).cast(pa.int64())
        except pa.ArrowInvalid:
            column = pa.array(_floats(column))
    values = _numpy(column)
    if values.dtype.kind in "iu":
        return values.astype(np.int64, copy=False), np.zeros(len(values), np.bool_)
    numbers: Floats = values if values.dtype.kind == "f" else np.full(len(values), np.nan)
    broken: Flags = ~((numbers == np.floor(numbers)) & (np.abs(numbers) < BEYOND))
    return np.where(broken, 0, numbers).astype(np.int64), broken


def _trimmed(column: Any) -> Any:
    return pc.ascii_trim_whitespace(column.cast(pa.string()).fill_null(""))


def _letters(texts: Any) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The bytes of texts one after another, and where each begins."""
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    _, offsets, letters = whole.buffers()
    begins = np.frombuffer(offsets, np.int32)[whole.offset : whole.offset + len(whole) + 1].astype(np.int64)
    return begins, np.frombuffer(letters or b"", np.uint8)


def _numpy(column: Any) -> NDArray[Any]:
    """Without copying when the column is of one piece."""
    if isinstance(column, pa.ChunkedArray):
        return column.to_numpy()
    return column.to_numpy(zero_copy_only=False)

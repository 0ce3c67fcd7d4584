"""Prices of the practice venue that were prices once: quotes of a store, or those that entered a recorded session."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from pipeline.archive.store import Archive
from pipeline.broker.prices import Ticks, joined, sampled
from pipeline.broker.products import Product
from pipeline.calendar import bare
from pipeline.errors import InputError
from pipeline.journal import HEADER, read_header, read_lines, restored
from pipeline.values import Quotes


class Replayed:
    """Ticks that are known from the beginning. Of a product that is not among them there are none."""

    def __init__(self, ticks: Mapping[str, Ticks]) -> None:
        self._ticks = ticks

    @property
    def first(self) -> int:
        """When the first of them was."""
        return min(int(each.ts[0]) for each in self._ticks.values())

    def ticks(self, product: Product, since: int, until: int) -> Ticks:
        known = self._ticks.get(product.name)
        return joined(product.name, []) if known is None else known.between(since, until)


def replayed(folder: Path, products: Mapping[str, Product]) -> Replayed:
    """The prices in a store of quotes, or in a recorded session, of what is traded."""
    if not folder.is_dir():
        raise InputError(f"prices: there is no folder {folder}; name a store of quotes, or a recorded session")
    quotes = _recorded(folder) if (folder / HEADER).exists() else _stored(folder)
    parts: dict[str, list[Ticks]] = {}
    for batch in quotes:
        product = _named(batch.product, products)
        if product is not None and len(batch):
            parts.setdefault(product.name, []).append(sampled(product, batch))
    if not parts:
        names = ", ".join(each.alias for each in products.values())
        raise InputError(f"prices: {folder} holds no quotes of what is traded; it may be {names}")
    return Replayed({name: _in_order(joined(name, several)) for name, several in parts.items()})


def _stored(folder: Path) -> Iterator[Quotes]:
    store = Archive(folder)
    for series in store.series():
        if series.of_quotes:
            yield from store.quotes(series.product)


def _recorded(folder: Path) -> Iterator[Quotes]:
    read_header(folder)
    kind = Quotes.__name__
    lines = (line for line in read_lines(folder) if line.what == "entered" and line.type == kind)
    for line in lines:
        quotes = restored(kind, line.value)
        assert isinstance(quotes, Quotes), "what is restored is what was asked for"
        yield quotes


def _named(name: str, products: Mapping[str, Product]) -> Product | None:
    if name in products:
        return products[name]
    return next((each for each in products.values() if each.alias in (name, bare(name))), None)


def _in_order(ticks: Ticks) -> Ticks:
    """One tick a second, the last that came: quotes of two batches may share one."""
    last: Iterable[bool] = np.diff(ticks.ts, append=np.iinfo(np.int64).max) > 0
    kept = ticks.chosen(np.asarray(last))
    order = np.argsort(kept.ts, kind="stable")
    if (order == np.arange(len(order))).all():
        return kept
    in_order = kept.chosen(order)
    return in_order.chosen(np.diff(in_order.ts, append=np.iinfo(np.int64).max) > 0)

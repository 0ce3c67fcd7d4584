"""Features that read features: whether what they name is there, and whether none stands on itself."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import cast

from pipeline.columns import Namings
from pipeline.inline import in_place, owner
from pipeline.parts import Feature, Longer, column_keys
from pipeline.plan import FEATURES
from pipeline.recipes import owners_of, reads_of
from pipeline.tables import Tables
from pipeline.times import timeframe_name


def sound(tables: Tables, features: Mapping[str, Feature]) -> Namings:
    """The features that can be computed; of the others the user is told, of those that stand on them not again."""
    kept = {name: each for name, each in features.items() if _well_named(tables, name)}
    declared = set(tables.table((FEATURES,)))
    namings = Namings(tables, kept, declared - set(kept))
    for name, each in kept.items():
        made = namings.named(each, (FEATURES, name), f"[features.{name}]")
        if made is None:
            del namings.features[name]
        else:
            namings.features[name] = made
    kept = dict(namings.features)
    lost = declared - set(kept)
    while wrong := {name for name, each in kept.items() if any(owner(column) in lost for column in reads_of(each))}:
        kept = {name: each for name, each in kept.items() if name not in wrong}
        lost |= wrong
    return namings.left(_without_rings(tables, kept, declared))


def check_slots(tables: Tables, namings: Namings, timeframes: Iterable[int]) -> None:
    """Features of longer bars can be made of every shorter bar there is."""
    for name, each in namings.features.items():
        slot = each.slot() if isinstance(each, Longer) else 0
        for tf in sorted(tf for tf in timeframes if tf < slot and slot % tf):
            what = f"[features.{name}] bars of {timeframe_name(tf)} do not fill {timeframe_name(slot)}"
            fix = f"choose a timeframe that {timeframe_name(tf)} divides, or none longer than it"
            tables.problem(namings.places.get(name, (FEATURES, name, "timeframe")), what, fix, value=True)


def check_warmups(tables: Tables, namings: Namings) -> bool:
    """Whether every feature says how many rows it needs. A class of the user's may say anything, or raise it."""
    before = len(tables.problems)
    for name, each in namings.features.items():
        try:
            rows = cast("object", each.warmup())
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is told with its place
            told = f"fails with {type(failure).__name__}: {failure}"
        else:
            if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0:
                continue
            told = f"is {rows!r}"
        fix = "in its class, have it give a whole number from 0 on: how many leading rows it cannot answer"
        tables.problem(namings.places.get(name, (FEATURES, name)), f"[features.{name}] warmup {told}", fix)
    return len(tables.problems) == before


def _well_named(tables: Tables, name: str) -> bool:
    """Whether a name can stand in a provider's key as what it is."""
    if in_place(name):
        what = f"[features] {name!r} has parentheses, in which the keys of a feature in place stand"
    elif "." in name:
        what = f"[features] {name!r} has a dot, which stands between a feature and its output"
    else:
        return True
    tables.problem((FEATURES, name), what, "give the feature another name")
    return False


def _without_rings(tables: Tables, features: dict[str, Feature], declared: set[str]) -> dict[str, Feature]:
    owners = owners_of(features)
    graph = {name: [owners[column] for column in reads_of(each) if column in owners] for name, each in features.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as wrong:
        ring = cast("list[str]", wrong.args[1])
        while ring[-1] not in declared:  # one that is there is in every ring: what is in place names only what it holds
            ring = [ring[-2], *ring[:-1]]
        name, before = ring[-1], ring[-2]
        key = next(
            key for key in column_keys(type(features[name])) if owners.get(getattr(features[name], key)) == before
        )
        what = f"[features.{name}] stands on itself: {' → '.join(reversed(ring))}"
        tables.problem((FEATURES, name, key), what, "break the ring", value=True)
        return {}
    return features

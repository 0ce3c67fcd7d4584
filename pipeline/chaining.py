"""Features that read features: whether what they name is there, and whether none stands on itself."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import cast

from pipeline.parts import Feature, Longer, column_keys
from pipeline.plan import FEATURES
from pipeline.recipes import owners_of, reads_of
from pipeline.stretch import PRICES
from pipeline.tables import Tables, nearest
from pipeline.times import timeframe_name


def sound(tables: Tables, features: Mapping[str, Feature]) -> dict[str, Feature]:
    """The features that can be computed; of the others the user is told, of those that stand on them not again."""
    kept = {name: each for name, each in features.items() if "." not in name}
    for name in features.keys() - kept.keys():
        what = f"[features] {name!r} has a dot, which stands between a feature and its output"
        tables.problem((FEATURES, name), what, "give the feature another name")
    declared = set(tables.table((FEATURES,)))
    owners = owners_of(kept)
    wrong = {name for name, each in kept.items() if not _named(tables, name, each, owners, declared)}
    lost = {column for column in owners if owners[column] in wrong} | (declared - set(kept))
    while wrong:
        kept = {name: each for name, each in kept.items() if name not in wrong}
        lost |= wrong
        wrong = {name for name, each in kept.items() if any(_owner(column) in lost for column in reads_of(each))}
    return _without_rings(tables, kept)


def check_slots(tables: Tables, features: Mapping[str, Feature], timeframes: Iterable[int]) -> None:
    """Features of longer bars can be made of every shorter bar there is."""
    for name, each in features.items():
        slot = each.slot() if isinstance(each, Longer) else 0
        for tf in sorted(tf for tf in timeframes if tf < slot and slot % tf):
            what = f"[features.{name}] bars of {timeframe_name(tf)} do not fill {timeframe_name(slot)}"
            fix = f"choose a timeframe that {timeframe_name(tf)} divides, or none longer than it"
            tables.problem((FEATURES, name, "timeframe"), what, fix, value=True)


def _named(tables: Tables, name: str, feature: Feature, owners: Mapping[str, str], declared: set[str]) -> bool:
    """Whether every column a feature names is one; a column of a table that is wrong itself counts as one."""
    before = len(tables.problems)
    broken = declared - set(owners.values())
    for key in column_keys(type(feature)):
        column = getattr(feature, key)
        if column is None or column in PRICES or column in owners or _owner(column) in broken:
            continue
        what = f"[features.{name}] {key}: there is no column {column!r}"
        tables.problem((FEATURES, name, key), what, nearest(str(column), {*PRICES, *owners}), value=True)
    return len(tables.problems) == before


def _without_rings(tables: Tables, features: dict[str, Feature]) -> dict[str, Feature]:
    owners = owners_of(features)
    graph = {name: [owners[column] for column in reads_of(each) if column in owners] for name, each in features.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as wrong:
        ring = cast("list[str]", wrong.args[1])
        name, before = ring[-1], ring[-2]
        key = next(
            key for key in column_keys(type(features[name])) if owners.get(getattr(features[name], key)) == before
        )
        what = f"[features.{name}] stands on itself: {' → '.join(reversed(ring))}"
        tables.problem((FEATURES, name, key), what, "break the ring", value=True)
        return {}
    return features


def _owner(column: str) -> str:
    return column.split(".", maxsplit=1)[0]

"""What may stand where the cursor is: keys, parts, words to choose from, and the flow's own names."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from pipeline.parts import COLUMN, TABLES
from pipeline.stretch import PRICES
from tui.editor.here import Here
from tui.editor.shapes import Shape, Shapes, choices
from tui.editor.tables_in import TableAt

WIRED = ("sources", "operators", "providers", "ensembles", "risk", "sinks", "venues")
"""Tables whose members can be named in a `from`."""
TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h")
"""Those that are usual; any other may be written."""
MOST = 200


class Offer(NamedTuple):
    """A word that may stand there."""

    word: str
    """By which it is found and shown."""
    insert: str
    """What is written for it."""
    about: str = ""
    """Its type, or what is of that name, in a few words."""
    says: str = ""
    """What it does, in a sentence."""


class Names:
    """The names that a flow gives: of its tables, and what stands in some of their lists."""

    def __init__(self, tables: Sequence[TableAt], data: Mapping[str, Any] | None) -> None:
        """`data` is what the text said when it was TOML last."""
        self._tables, self._data = tables, data or {}

    def of(self, kind: str) -> tuple[tuple[str, str], ...]:
        """The members of a kind of table, and which part each is."""
        found = {table.path[1]: table.use for table in self._tables if len(table.path) == 2 and table.path[0] == kind}
        for table in self._tables:
            if table.path == (kind,):  # members in braces below one header
                found.update({key.partition(".")[0]: "" for key in table.keys})
        return tuple(found.items())

    def listed(self, kind: str, key: str) -> tuple[str, ...]:
        """What the members of a kind have in their list `key`."""
        members: Any = self._data.get(kind)
        tables = cast("dict[str, Any]", members).values() if isinstance(members, dict) else ()
        lists = (cast("dict[str, Any]", table).get(key) for table in tables if isinstance(table, dict))
        words = (word for each in lists if isinstance(each, list) for word in cast("list[Any]", each))
        return tuple(dict.fromkeys(word for word in words if isinstance(word, str)))


def offers(at: Here, shapes: Shapes, names: Names) -> tuple[Offer, ...]:
    """Those that begin with what is there first, then those that have it in them; the best matches of many."""
    match at.kind:
        case "header":
            found = _headers(at, shapes, names)
        case "key":
            found = _keys(at, shapes, names)
        case "value":
            found = _values(at, shapes, names)
    wanted = at.word.casefold()
    first: dict[str, Offer] = {}
    for each in found:
        first.setdefault(each.word, each)
    known = list(first.values())
    begin = [each for each in known if each.word.casefold().startswith(wanted)]
    inside = [each for each in known if wanted in each.word.casefold() and each not in begin]
    return tuple([*begin, *inside][:MOST])


def _headers(at: Here, shapes: Shapes, names: Names) -> Iterator[Offer]:
    if not at.path:
        for shape in shapes.at(()):
            for name, inner in cast("Mapping[str, Shape]", shape.get("properties", {})).items():
                single = "additionalProperties" not in inner or inner.get("additionalProperties") is False
                close = "" if name in TABLES.values() or name in ("accounts", "calendars") else "]"
                insert = f"{name}{']' * (1 + (inner.get('type') == 'array'))}" if single and close else f"{name}."
                yield Offer(name, name if name == "features" else insert, "table", _first(inner.get("description", "")))
        return
    kind = str(at.path[0])
    taken = {name for name, _ in names.of(kind)}
    for use in shapes.uses(kind):
        if isinstance(use, str) and use not in taken:
            for shape in shapes.at((kind, use)):
                yield Offer(use, f"{use}]", "part", _first(shape.get("description", "")))


def _keys(at: Here, shapes: Shapes, names: Names) -> Iterator[Offer]:
    for shape in shapes.at(at.path, at.use):
        required = set[str](shape.get("required", ()))
        properties = cast("Mapping[str, Shape]", shape.get("properties", {}))
        for name in sorted(properties, key=lambda each: (each not in required, list(properties).index(each))):
            if name in at.known and name != at.word:
                continue
            kinds = tuple(dict.fromkeys(_about(each) for each in shapes.of_key((*at.path, name), at.use)))
            says = next(
                (each["description"] for each in shapes.of_key((*at.path, name), at.use) if "description" in each), ""
            )
            about = " or ".join(filter(None, kinds))
            yield Offer(name, f"{name} = ", f"{about}, needed" if name in required else about, _first(says))
    for word, about in _names_as_keys(at, names):
        if word not in at.known:
            yield Offer(word, f"{_quoted_key(word)} = ", about)


def _names_as_keys(at: Here, names: Names) -> Iterator[tuple[str, str]]:
    """Keys that are names of the flow: timeframes, providers with weights, nodes of a test."""
    match at.path:
        case ("ensembles", _, "weights"):
            yield from names.of("providers")
        case ("risk", _, "threshold"):
            yield from ((each, "timeframe") for each in names.listed("operators", "timeframes"))
        case ("test", *_) if at.path[-1] in ("inputs", "outputs"):
            for kind in WIRED:
                yield from ((name, f"{kind} {use}".strip()) for name, use in names.of(kind))
        case _:
            pass


def _values(at: Here, shapes: Shapes, names: Names) -> Iterator[Offer]:
    key = at.path[-1] if at.path else ""
    shown = _shown(at)
    if key == "use":
        yield from _uses(at, shapes, shown)
        return
    for word, about in _named(at, shapes, names):
        yield Offer(word, shown(word), about)
    for shape in shapes.of_key(at.path, at.use):
        inner = cast("Shape", shape.get("items", {})) if at.listed else shape
        for value in choices((inner,)):
            yield Offer(_plain(value), shown(value), "", _first(shape.get("description", "")))
        if "default" in shape and not at.listed and not isinstance(shape["default"], dict | list):
            yield Offer(
                _plain(shape["default"]),
                shown(shape["default"]),
                "as it is by default",
                _first(shape.get("description", "")),
            )


def _uses(at: Here, shapes: Shapes, shown: Callable[[Any], str]) -> Iterator[Offer]:
    kind = "stakes" if "stake" in at.path[:-1] else str(at.path[0])
    for use in shapes.uses(kind):
        told = shapes.at((kind, "_"), str(use)) if kind != "stakes" else ()
        says = _first(told[0].get("description", "")) if told else ""
        yield Offer(str(use), shown(use), kind, says)


def _named(at: Here, shapes: Shapes, names: Names) -> Iterator[tuple[str, str]]:
    """The flow's own names that a key may have."""
    key, kind = at.path[-1], at.path[0]
    columns = any(shape.get("description") == COLUMN for shape in shapes.of_key(at.path, at.use))
    if columns:
        yield from ((name, f"feature {use}".strip()) for name, use in names.of("features"))
        yield from ((name, "price of a bar") for name in PRICES)
    elif key == "from":
        first = {"ensembles": ("providers",), "risk": ("ensembles", "operators")}.get(str(kind), WIRED)
        for table in dict.fromkeys((*first, *WIRED)):
            yield from ((name, f"{table} {use}".strip()) for name, use in names.of(table))
    elif key == "accounts":
        yield from ((name, "account") for name, _ in names.of("accounts"))
    elif key == "venue":
        yield from ((name, f"venue {use}".strip()) for name, use in names.of("venues"))
    elif key == "products":
        yield from ((name, "product") for name in names.listed("sources", "products"))
    elif key == "timeframes":
        yield from ((name, "timeframe") for name in TIMEFRAMES)


def _shown(at: Here) -> Callable[[Any], str]:
    """How a value is written where the cursor is: in the quotes that stand there, or in its own."""

    def shown(value: Any) -> str:
        if isinstance(value, str):
            return f"{value}{at.quote}" if at.quote else json.dumps(value, ensure_ascii=False)
        return _plain(value)

    return shown


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _quoted_key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() and not name[0].isdigit() else json.dumps(name, ensure_ascii=False)


def _about(shape: Shape) -> str:
    """The type of a value, and what it is when nothing is said."""
    kind = {"string": "text", "integer": "number", "boolean": "true or false", "array": "list", "object": "table"}
    words = shape.get("type", "")
    few: Iterable[Any] = shape.get("enum", ())
    said = kind.get(words, words) or (" | ".join(_plain(each) for each in few) if few else "")
    default = shape.get("default")
    told = "" if default is None or isinstance(default, dict | list) else f" ({_plain(default)})"
    return f"{said}{told}"


def _first(text: str) -> str:
    """The first sentence of a description, on one line."""
    return text.partition("\n\n")[0].replace("\n", " ").strip()

"""What a flow can be made of, and what of it the running one is."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from pipeline import catalogue
from pipeline.control.errors import Refused
from pipeline.control.routing import Route
from pipeline.errors import InputError
from pipeline.flowing.flowing import first_sentence
from pipeline.masking import masked
from pipeline.parts import TABLES, Part, part_made
from pipeline.plan import Plan
from pipeline.told.parts import KeyTold, Parts, PartTold, UseTold
from pipeline.told.words import Name


class PartsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which parts; what is left out means all."""

    kind: Name = ""
    """source, operator, feature, provider … or the name of their table."""
    name: Annotated[str, Meta(max_length=200)] = ""
    """A part, or the number of a strategy."""


class Catalogue:
    """Reads what is registered, beside the flow."""

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan

    async def parts(self, asked: PartsAsked, _: None) -> Parts:
        return await asyncio.to_thread(self._told, asked)

    def _told(self, asked: PartsAsked) -> Parts:
        kind = catalogue.KINDS.get(asked.kind)
        if asked.kind and kind is None:
            raise Refused("VALIDATION", f"there is no kind {asked.kind!r}; there are {', '.join(TABLES)}")
        try:
            found = list(catalogue.chosen(asked.name or kind))
        except InputError as wrong:
            raise Refused("NOT_FOUND", str(wrong)) from None
        used = _used(self._plan())
        return Parts(tuple(_part(part, used) for part in found if kind in (None, part.kind)))


def _part(part: Part, used: Mapping[type[Any], list[UseTold]]) -> PartTold:
    return PartTold(
        kind=part.kind,
        name=part.name,
        numbers=tuple(sorted(part.catalogue)),
        presets={
            str(number): {key: catalogue.toml(value) for key, value in preset.items()}
            for number, preset in sorted(part.catalogue.items())
        },
        family=part.family,
        group=catalogue.group(part),
        says=first_sentence(part.help),
        text=part.help,
        fields=tuple(
            KeyTold(
                name=key.name,
                type=key.type_text,
                required=key.required,
                default=catalogue.default(key),
                range=", ".join(catalogue.bounds(key.type)),
                choices=catalogue.choices(key.type),
                description=key.help,
            )
            for key in part.fields
        ),
        takes={name: tuple(kind.__name__ for kind in kinds) for name, kinds in part.takes.items()},
        gives=tuple(kind.__name__ for kind in part.gives),
        outputs=catalogue.outputs(part),
        warm_up=_warm_up(part),
        needs=catalogue.needs(part),
        origin=part.origin,
        used=tuple(used.get(part.cls, ())),
    )


def _warm_up(part: Part) -> int:
    try:
        return catalogue.looks_back(part)
    except Exception:  # noqa: BLE001  # a plug-in's own code, which is asked for its defaults: it may not have any
        return 0


def _used(plan: Plan) -> Mapping[type[Any], list[UseTold]]:
    """The nodes of a flow, its columns and stakes, by what they are made by."""
    used: dict[type[Any], list[UseTold]] = {}
    for name, instance in _instances(plan):
        part = part_made(type(instance))
        if part is not None:
            settings = {key.name: masked(catalogue.toml(getattr(instance, key.name))) for key in part.fields}
            used.setdefault(part.cls, []).append(UseTold(name, settings))
    return used


def _instances(plan: Plan) -> Iterator[tuple[str, object]]:
    for node in plan.nodes:
        yield node.id, node.instance
        stake = getattr(node.instance, "stake", None)
        if node.part.kind == "risk" and stake is not None:
            yield f"{node.id}.stake", stake
    for name, feature in plan.anchoring.features.items():
        yield f"features.{name}", feature
    for name, way in plan.alerts.items():
        yield f"alerts.{name}", way


ROUTES = (
    Route(
        method="GET",
        path="/parts",
        name="parts",
        does="What a flow can be made of: every part with its keys, and the nodes of this flow that are made by it.",
        call=Catalogue.parts,
        query=PartsAsked,
        answer=Parts,
        refusals=("NOT_FOUND",),
    ),
)

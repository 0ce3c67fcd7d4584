"""Decisions made again: from a recorded session, or from sources that can give the same prices again.

Both end as the beginning of a recorded session, up to the last decision that is asked for. It is made again here, as
it will be elsewhere, before anybody is told that it can be.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import msgspec
import tomlkit

from pipeline import virtual
from pipeline.bundling.redacting import Redactor
from pipeline.bundling.wanted import COMPARED, Row, name_of, slot_name
from pipeline.changes.revision import Revision
from pipeline.checking import load_text
from pipeline.engine import Setting, running
from pipeline.errors import InputError, MoonlightError
from pipeline.hogging.patience import Patience
from pipeline.hogging.pauses import Interruption
from pipeline.journal import HEADER, INTERRUPTED, LINES, Header, Journal, Line, read_header, read_lines, restored
from pipeline.masking import masked
from pipeline.plan import Plan
from pipeline.times import DAY, HOUR, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Past
from pipeline.verifying import Later, verified

Level = Literal["whole", "score", "none"]

LARGEST = 256 << 20
"""Bytes of a recording's beginning that goes into a bundle."""
ALWAYS = (
    "what strategies said is the same, but not what the account allowed: that depends on what it had done before, "
    "which the prices alone do not tell; a recorded session (`run --record`) does"
)


class Again(NamedTuple):
    """How much of the decisions is made again, what is not and why, and the recording that does it.

    `files` has the flow file too, where a recording has the one they were made by.
    """

    level: Level
    why: str
    files: Mapping[str, bytes]


def of_session(session: Path, rows: Sequence[Row], redactor: Redactor, flow: Path, work: Path) -> Again:
    """From the recorded session in a folder. `flow` has what its flow names, without secrets.

    The recording knows the flow it began with, and each edit since: the file may have become another one.
    """
    header = read_header(session)
    lines, missing = _beginning(session, rows)
    if missing:
        what = f"{session} has no decision on {name_of(missing[0])}"
        raise InputError(f"{what}; name the session that was recorded then, or leave --session out")
    if sum(map(len, lines)) > LARGEST:
        return Again("none", f"what {session} holds until then is more than {LARGEST >> 20} MiB", {})
    lines = [_without_secrets(line, redactor) for line in lines]
    begun = redactor.text(f"journal/{HEADER}", header.flow)
    name = "flow/flows.toml"
    redactor.counts.pop(name, None)  # it stands there instead of the file of today
    then = redactor.text(name, _revised(lines) or header.flow)
    found = _tried(msgspec.structs.replace(header, flow=begun), lines, rows, redactor, flow, work)
    return found._replace(files={**found.files, name: then.encode()})


def of_sources(plan: Plan, rows: Sequence[Row], redactor: Redactor, flow: Path, work: Path) -> Again:
    """From the sources once more, if each of them can give what it gave."""
    lost = [node.id for node in plan.of("source") if not _lasts(node.instance)]
    if lost:
        why = f"nobody kept what {', '.join(lost)} gave, which cannot give it again; `run --record DIR` keeps it"
        return Again("none", why, {})
    best = Again("none", "the sources gave no such bar when they were asked again", {})
    for number, begin in enumerate(_begins(rows)):
        folder = work / f"once-more-{number}"
        try:
            virtual.run(lambda _, begin=begin, folder=folder: _recorded(plan, rows, begin, folder))
        except MoonlightError as failure:
            return best._replace(why=f"the flow did not run once more: {failure}") if best.level == "none" else best
        lines, missing = _beginning(folder, rows)
        if missing or sum(map(len, lines)) > LARGEST:
            continue
        text = _in_mode((flow / "flows.toml").read_text(encoding="utf-8"), "replay")
        header = msgspec.structs.replace(read_header(folder), flow=text)
        found = _tried(header, lines, rows, redactor, flow, work / f"tried-{number}")
        if found.level == "whole":
            return found
        best = found if best.level == "none" else best
    return best


def made_again(folder: Path, rows: Sequence[Row]) -> tuple[Level, str]:
    """What becomes of the recording in a bundle's folder, held against the decisions that were made."""
    verdict = verified(folder / "journal", folder / "flow")
    if (difference := verdict.difference) is not None:
        where = f"at link {difference.n} of {verdict.links}"
        return "none", f"{where}: {difference.recorded}, and made again {difference.replayed}"
    return _compared(dict(_decisions(read_lines(folder / "journal"))), rows)


# --- a recording -----------------------------------------------------------------------------------------------------


def _lasts(source: Any) -> bool:
    return hasattr(source, "starts_at") or hasattr(source, "span")


def _begins(rows: Sequence[Row]) -> Iterator[int]:
    """From when on to ask once more: shortly before, then longer, for what an account remembers."""
    first = min(row["bar"] - row["tf"] for row in rows)
    yield first
    yield first - 2 * HOUR
    yield first // DAY * DAY


async def _recorded(plan: Plan, rows: Sequence[Row], begin: int, folder: Path) -> None:
    end = max(row["at"] for row in rows) + SECOND
    setting = Setting(mode="replay", begin=begin, end=end)
    with Journal(folder, plan, begin) as journal:
        async with running(plan, setting, NoRecords(), Past((), {}), journal=journal) as flow:
            await flow.border.until(end)
            if flow.ended.done():
                flow.ended.result()


def _beginning(session: Path, rows: Sequence[Row]) -> tuple[list[bytes], list[Row]]:
    """The lines up to the last decision that is wanted, whole moments of them; and what is not in it."""
    left = {slot_name(row): row for row in rows}
    lines: list[bytes] = []
    for line in read_lines(session):
        if not left and line.what != "gave":
            break
        lines.append(msgspec.json.encode(line))
        for slot, _ in _decisions((line,)):
            left.pop(slot, None)
    return lines, list(left.values())


def _without_secrets(raw: bytes, redactor: Redactor) -> bytes:
    """An edit of the flow is masked as the text it is, not as the JSON that it stands in; other lines are kept."""
    line = msgspec.json.decode(raw, type=Line)
    if line.type != Revision.__name__:
        return raw
    text = masked(redactor.keyed(line.value["text"]))
    return msgspec.json.encode(msgspec.structs.replace(line, value={**line.value, "text": text}))


def _revised(lines: Sequence[bytes]) -> str:
    """The flow as the last edit among these lines left it; "" where there is none."""
    mark = f'"{Revision.__name__}"'.encode()
    edits = [msgspec.json.decode(line, type=Line) for line in lines if mark in line]
    return next((edit.value["text"] for edit in reversed(edits) if edit.type == Revision.__name__), "")


def _tried(
    header: Header, lines: Sequence[bytes], rows: Sequence[Row], redactor: Redactor, flow: Path, work: Path
) -> Again:
    """The recording without secrets, if it still makes the same decisions. The header's flow has none any more."""
    journal = work / "journal"
    journal.mkdir(parents=True)
    (work / "flow").symlink_to(flow, target_is_directory=True)
    told = redactor.text(f"journal/{LINES}", b"\n".join(lines).decode()) + "\n"
    plain = msgspec.structs.replace(header, file="flows.toml")
    try:
        if redactor.names:
            _renamed(plain, told, flow, journal)
        else:
            (journal / LINES).write_text(told, encoding="utf-8")
            (journal / HEADER).write_bytes(msgspec.json.format(msgspec.json.encode(plain)))
        names = redactor.names
        level, why = made_again(work, [{**row, "account": names.get(row["account"], row["account"])} for row in rows])
    except MoonlightError as failure:
        return Again("none", f"without its secrets the flow cannot be read again: {failure}", {})
    if level == "none":
        return Again("none", f"made again it comes out otherwise, {why}", {})
    files = {f"journal/{name}": (journal / name).read_bytes() for name in (HEADER, LINES)}
    return Again(level, why, files)


def _in_mode(text: str, mode: str) -> str:
    document = tomlkit.parse(text)
    settings = cast("dict[str, Any]", document.setdefault("moonlight", tomlkit.table()))
    settings["mode"] = mode
    return tomlkit.dumps(document)  # pyright: ignore[reportUnknownMemberType]  # as the library has it


def _renamed(header: Header, told: str, flow: Path, journal: Path) -> None:
    """The same recorded anew under other names: a chain of hashes knows the names it was made of."""
    lines = [msgspec.json.decode(line, type=Line) for line in told.splitlines()]
    plan = load_text(header.flow, header.file, flow)

    async def recorded() -> None:
        known = [msgspec.convert(line.value, Interruption) for line in lines if line.what == INTERRUPTED]
        setting = Setting(mode=plan.settings.mode, begin=header.begin, outside=(), patience=Patience(known=known))
        records = Later() if header.later else NoRecords()
        with Journal(journal, plan, header.begin, later=header.later) as again:
            async with running(plan, setting, records, None, journal=again) as played:
                for line in lines:
                    if line.type == Revision.__name__:
                        revision: Revision = restored(line.type, line.value)
                        played.change_at(line.at, load_text(revision.text, header.file, flow), revision.past)
                    elif line.what == INTERRUPTED:
                        again.interrupted(line.at, msgspec.convert(line.value, Interruption))
                    elif line.what == "entered":
                        played.enter_at(line.at, line.node, restored(line.type, line.value))
                    elif line.what == "woke":
                        played.wake_at(line.at)

    virtual.run(lambda _: recorded())


# --- decisions -------------------------------------------------------------------------------------------------------

Slot = tuple[str, str, int, int]


def _decisions(lines: Iterator[Line] | tuple[Line, ...]) -> Iterator[tuple[Slot, Row]]:
    """Each decision that was given, as a row of the ledger has it."""
    for line in lines:
        if line.what != "gave" or line.type != "Decisions":
            continue
        told: dict[str, Any] = line.value
        for place, bar in enumerate(told["open_ts"]):
            verdict = told["verdict"][place]
            facts = {name: _number(told[name][place]) for name in COMPARED if name != "verdict"}
            row = {**facts, "verdict": "trade" if verdict < 0 else told["gates"][verdict]}
            yield (told["account"], told["product"], told["tf"], bar), row


def _compared(found: Mapping[Slot, Row], rows: Sequence[Row]) -> tuple[Level, str]:
    level: Level = "whole"
    why = ""
    for row in rows:
        again = found.get(slot_name(row))
        if again is None:
            return "none", f"there is no decision on {name_of(row)}"
        other = [name for name in COMPARED if _number(row[name]) != again[name]]
        if {"score", "direction"} & set(other):
            name = next(each for each in ("score", "direction") if each in other)
            return "none", f"{name_of(row)} had the {name} {row[name]}, made again it has {again[name]}"
        if other and level == "whole":
            level = "score"
            why = f"{name_of(row)} was {row['verdict']}, made again {again['verdict']}: {ALWAYS}"
    return level, why


def _number(value: Any) -> Any:
    """As the ledger has it: what is no number is nothing there."""
    return None if isinstance(value, str) and value in ("nan", "inf", "-inf") else value

"""Put all that somebody elsewhere needs to make a decision again into one file, without secrets.

examples:
  python -m pipeline bundle --order demo-1:EURUSD:1m:1767599940000
  python -m pipeline bundle --bar "demo-1 EURUSD 1m 2026-01-05T10:00:00Z" --session session --out bug.zip
  python -m pipeline bundle flows.toml --since 2026-01-05T10:00:00Z --until 2026-01-05T11:00:00Z --pseudonyms
  python -m pipeline bundle replay bug.zip

What goes into it is shown first, file by file, with what was taken out; nothing is written before somebody agrees (or
--yes). Decisions are made again from the recording of `run --record` that --session names, or from sources that can
give the same prices again; where neither can, it says so and why. `bundle replay FILE` needs the file alone: exit code
0 when the decisions are the same, 1 when they are not.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from pipeline.bundling.again import Again, made_again, of_session, of_sources
from pipeline.bundling.contents import facts, flow_files
from pipeline.bundling.packing import FORMAT, Listed, Manifest, listed, packed, unpacked, written
from pipeline.bundling.redacting import Redactor
from pipeline.bundling.wanted import Row, name_of, of_bar, of_order, of_span
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.journal import code_hash
from pipeline.ledger.reading import Reader
from pipeline.plan import Plan
from pipeline.times import parse_moment, timeframe_name, utc_text
from pipeline.verbs import doctor, why
from pipeline.verbs.common import DEFAULT, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.watch import own_version

SUFFIX = ".zip"
EXPLAINED = 200
"""So many decisions are explained in words."""
NAMED = 20
AGAIN = {
    "whole": "makes the same decisions again",
    "score": "makes again what the strategies said",
    "none": "makes nothing again",
}
README = """\
What is in here: decisions of a flow, and what they came of, without secrets.

  python -m pipeline bundle replay {name}

makes them again from this file alone and says whether they are the same. manifest.json lists every file with its hash
and what was taken out of it. decisions.json and why.txt are the decisions, flow/ is the flow they were made by,
journal/ what it heard, log.jsonl what the engine said in those minutes, doctor.json the machine.
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "flow", nargs="?", default=DEFAULT, metavar="FLOW", help=f"the flow file ({DEFAULT}), or `replay`"
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="with `replay`: the bundle")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--order", metavar="ID", help="the decision that this order came of")
    what.add_argument("--bar", metavar="BAR", help='"demo-1 EURUSD 1m 2026-01-05T10:00:00Z": when it opened')
    what.add_argument("--since", metavar="MOMENT", help="all decisions on bars that opened from then on")
    parser.add_argument("--until", metavar="MOMENT", help="with --since: and before")
    parser.add_argument("--session", type=Path, metavar="DIR", help="the recording of `run --record DIR` it is in")
    parser.add_argument("--pseudonyms", action="store_true", help="call the accounts account-1, account-2 …")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; a new file (bundle-….zip here)")
    parser.add_argument("--yes", action="store_true", help="write it without asking")
    parser.add_argument(
        "--run-its-code", action="store_true", help="with `replay`: run the Python files that it brings"
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.flow == "replay":
        return _replay(options)
    if options.file is not None:
        raise InputError(f"what is {str(options.file)!r}? one flow file, or `bundle replay FILE`")
    return _make(options)


# --- making ----------------------------------------------------------------------------------------------------------


def _make(options: argparse.Namespace) -> int:
    plan = plan_of(argparse.Namespace(flow=Path(options.flow)))
    rows = _wanted(options, plan)
    out = options.out or Path(_file_name(rows))
    if out.exists():
        raise InputError(f"{out} exists already; name a new file with --out")
    redactor = Redactor(plan, pseudonyms=options.pseudonyms)
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        files, again = _files(plan, rows, redactor, options, Path(folder), out.name)
    redactor.refuse_leaks(files)
    manifest = Manifest(
        FORMAT,
        redactor.renamed("manifest.json", plan.name),
        tuple(redactor.renamed("manifest.json", name_of(row)) for row in rows),
        again.level,
        redactor.text("manifest.json", again.why),
        own_version(),
        code_hash(),
        tuple(name for name in sorted(files) if name.startswith("flow/") and name.endswith(".py")),
        listed(files, redactor.counts),
    )
    if options.json:
        say_json(_as_json(manifest, out, asked=not options.yes))
    else:
        print("\n".join(_preview(manifest, redactor)))
    if not options.yes and not _agreed(out, as_json=options.json):
        return 1
    content = packed(files, manifest)
    written(out, content)
    if not options.json:
        again_by = "" if again.level == "none" else f"; `bundle replay {out}` {AGAIN[again.level]}"
        print(f"wrote {out}, {len(content):,} bytes{again_by}")
    return 0


def _wanted(options: argparse.Namespace, plan: Plan) -> list[Row]:
    reader = Reader(plan.folder / LEDGER_FILE)
    try:
        if options.order is not None:
            return of_order(reader, options.order)
        if options.bar is not None:
            return of_bar(reader, options.bar)
        if options.since is None or options.until is None:
            raise InputError("say which decisions: --order ID, --bar BAR, or --since MOMENT and --until MOMENT")
        try:
            return of_span(reader, parse_moment(options.since), parse_moment(options.until))
        except ValueError as wrong:
            raise InputError(f"--since and --until: {wrong}") from None
    finally:
        reader.close()


def _files(
    plan: Plan, rows: Sequence[Row], redactor: Redactor, options: argparse.Namespace, work: Path, name: str
) -> tuple[dict[str, bytes], Again]:
    """Each file as it will be in the bundle, and what can be made again from them."""
    texts = flow_files(plan, redactor)
    flow = work / "flow"
    for each, text in texts.items():
        path = work / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tried = work / "tried"
    if options.session is not None:
        again = of_session(options.session, rows, redactor, flow, tried)
    else:
        again = of_sources(plan, rows, redactor, flow, tried)
    texts |= facts(plan, rows, redactor)
    texts["why.txt"] = redactor.text("why.txt", _explained(plan, rows))
    found = [finding._asdict() for finding in doctor.findings(plan.base, Path(plan.file).name)]
    texts["doctor.json"] = redactor.text("doctor.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    texts["README.txt"] = README.format(name=name)
    return {each: text.encode() for each, text in texts.items()} | dict(again.files), again


def _explained(plan: Plan, rows: Sequence[Row]) -> str:
    """What `why` says of each."""
    said = StringIO()
    with redirect_stdout(said):
        for row in rows[:EXPLAINED]:
            why.run(
                argparse.Namespace(
                    product=row["product"],
                    timeframe=timeframe_name(row["tf"]),
                    moment=utc_text(row["bar"]),
                    account=row["account"],
                    flow=plan.base / Path(plan.file).name,
                    day=None,
                    gate=None,
                    last=False,
                    json=False,
                )
            )
    return said.getvalue()


def _preview(manifest: Manifest, redactor: Redactor) -> list[str]:
    lines = [f"{len(manifest.decisions)} decision{'s' if len(manifest.decisions) > 1 else ''} of {manifest.flow}:"]
    lines += [f"  {name}" for name in manifest.decisions[:NAMED]]
    lines += [f"  and {len(manifest.decisions) - NAMED} more"] if len(manifest.decisions) > NAMED else []
    lines.append("what would leave this machine:")
    lines += [_listed(each) for each in manifest.files]
    if redactor.unopened:
        closed = ", ".join(redactor.unopened)
        lines.append(
            f"note: the login of {closed} could not be opened here, so nothing was searched for it by its text"
        )
    if redactor.names:
        lines.append(f"accounts are called {', '.join(redactor.names.values())}")
    lines.append(f"it {AGAIN[manifest.again]}{f': {manifest.why}' if manifest.why else ''}")
    return lines


def _listed(each: Listed) -> str:
    told = ", ".join(f"{times} {what}" for what, times in each.redacted.items())
    return f"  {each.name:<28} {each.bytes:>12,} bytes{f'   taken out: {told}' if told else ''}"


def _agreed(out: Path, *, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        print("nothing is written without a yes; look at the list, then say --yes", file=sys.stderr)
        return False
    print(f"write {out}? [y/N] ", end="", flush=True)
    agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    print("" if agreed else "nothing was written")
    return agreed


def _as_json(manifest: Manifest, out: Path, *, asked: bool) -> Mapping[str, object]:
    files = [{"name": each.name, "bytes": each.bytes, "redacted": each.redacted} for each in manifest.files]
    told = {"file": str(out), "decisions": manifest.decisions, "again": manifest.again, "why": manifest.why}
    return {**told, "files": files, "written": not asked}


def _file_name(rows: Sequence[Row]) -> str:
    """After what it is about, not after when it was made."""
    first = rows[0]
    stamp = "".join(each for each in utc_text(first["bar"]) if each.isalnum())
    return f"bundle-{first['product']}-{timeframe_name(first['tf'])}-{stamp}{SUFFIX}".replace("/", "-")


# --- making it again -------------------------------------------------------------------------------------------------


def _replay(options: argparse.Namespace) -> int:
    if options.file is None:
        raise InputError("say which: `bundle replay FILE`")
    with tempfile.TemporaryDirectory(prefix="bundle-") as kept:
        folder = Path(kept)
        manifest = unpacked(options.file, folder)
        if manifest.brings_code and not options.run_its_code:
            brought = ", ".join(manifest.brings_code)
            raise InputError(f"{options.file} brings Python of its own ({brought}); read it, then say --run-its-code")
        if manifest.again == "none":
            return _said(options, manifest, "none", manifest.why)
        rows: list[Row] = json.loads((folder / "decisions.json").read_text(encoding="utf-8"))
        level, why_not = made_again(folder, rows)
    return _said(options, manifest, level, why_not)


def _said(options: argparse.Namespace, manifest: Manifest, level: str, why_not: str) -> int:
    """The same, as far as the bundle promised."""
    same = manifest.again != "none" and level in (manifest.again, "whole")
    if options.json:
        facts_of = {"same": same, "again": level, "promised": manifest.again, "why": why_not}
        say_json({**facts_of, "decisions": manifest.decisions, "same_code": manifest.code == code_hash()})
        return 0 if same else 1
    if manifest.code != code_hash():
        print(f"note: made by version {manifest.version} with other code than this")
    if same:
        what = "decisions are" if len(manifest.decisions) > 1 else "decision is"
        scores = "" if level == "whole" else " as far as the strategies go"
        print(f"{len(manifest.decisions)} {what} the same{scores}")
        print(*([why_not] if why_not else []), sep="\n", end="\n" if why_not else "")
    else:
        print(f"not the same: {why_not}" if manifest.again != "none" else f"it cannot be made again: {why_not}")
    return 0 if same else 1

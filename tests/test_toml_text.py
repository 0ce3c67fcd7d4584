"""Flow files as text: every key knows its place, and every text that is no flow gets one clear sentence."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, cast

import pytest
import tomlkit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import PlanError
from pipeline.toml_scan import KeyPath
from pipeline.toml_text import Source, parse, read

FLOW = """\
# a flow
[moonlight]
mode = "paper"  # [not] = 'a table'

[features]
ema_fast = { use = "ema", period = 9 }
"odd.name" = { use = 'rsi', bounds.low = 30, bounds.high = 70 }

[operators.bars]
timeframes = [
  "1m",  # one, ] two
  "5m",
]
notes = \"\"\"
seed = 1
a \\"\\"\\" b ""\"\"\"

[[test]]
name = "first"
[[test.row]]
at = 1979-05-27 07:32:00
[[test]]
name = "second"
[test.more]
deep . er = [[1, 2], [{ x = 3 }]]
"""


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("moonlight",), (2, 2), (2, 1)),
        (("moonlight", "mode"), (3, 1), (3, 8)),
        (("features", "ema_fast", "period"), (6, 27), (6, 36)),
        (("features", "odd.name"), (7, 1), (7, 14)),
        (("features", "odd.name", "bounds", "high"), (7, 53), (7, 60)),
        (("operators",), (9, 2), (9, 1)),
        (("operators", "bars"), (9, 12), (9, 1)),
        (("operators", "bars", "timeframes", 1), (12, 3), (12, 3)),
        (("operators", "bars", "notes"), (14, 1), (14, 9)),
        (("test",), (18, 3), (18, 1)),
        (("test", 0, "row", 0, "at"), (21, 1), (21, 6)),
        (("test", 1), (22, 3), (22, 1)),
        (("test", 1, "name"), (23, 1), (23, 8)),
        (("test", 1, "more", "deep", "er"), (25, 8), (25, 13)),
        (("test", 1, "more", "deep", "er", 1, 0, "x"), (25, 25), (25, 29)),
    ],
)
def test_each_key_and_each_value_has_its_line_and_column(
    path: KeyPath, key: tuple[int, int], value: tuple[int, int]
) -> None:
    source = parse(FLOW, "flows.toml")
    assert (source.place(path), source.value_place(path)) == (key, value)


def test_a_path_that_is_not_there_has_the_place_of_the_nearest_around_it() -> None:
    source = parse(FLOW, "flows.toml")
    assert source.place(("moonlight", "mood")) == source.place(("moonlight",))
    assert source.place(("test", 7, "name")) == source.place(("test",))
    assert source.place(("moonlight", "mode", "x", 3)) == source.place(("moonlight", "mode"))
    assert source.place(("venues", "practice")) == source.place(()) == (1, 1)


def test_a_table_declared_after_its_inner_tables_stands_where_it_is_declared() -> None:
    source = parse("[a.b]\n[a]\nc = 1\n", "flows.toml")
    assert source.place(("a",)) == (2, 2)
    assert source.place(("a", "b")) == (1, 4)


def test_windows_line_ends_and_a_byte_order_mark_move_no_key() -> None:
    source = parse("\ufeff" + FLOW.replace("\n", "\r\n"), "flows.toml")
    plain = parse(FLOW, "flows.toml")
    assert {path: source.place(path) for path in source.at.paths()} == {
        path: plain.place(path) for path in plain.at.paths()
    }


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = [(str(key), held) for key, held in cast("dict[object, object]", value).items()]
    elif isinstance(value, list):
        inner = list(enumerate(cast("list[object]", value)))
    for step, held in inner:
        yield (*path, step)
        yield from paths(held, (*path, step))


def assert_every_key_is_at_its_place(source: Source) -> None:
    assert set(source.at.paths()) == set(paths(source.data))
    lines = source.text.split("\n")
    for path in source.at.paths():
        line, column = source.place(path)
        names = [step for step in path if isinstance(step, str)]
        if isinstance(path[-1], str) or (line, column) != source.value_place(path):  # all but elements of lists
            assert key_at(lines[line - 1][column - 1 :]) in names[-1:]
        line, column = source.value_place(path)
        assert lines[line - 1][column - 1] not in " \t=,"


def key_at(text: str) -> str:
    """The key with which `text` begins, as tomllib reads it."""
    found = re.match(r"""[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'""", text, re.ASCII)
    assert found, text
    return next(iter(tomllib.loads(f"{found[0]} = 1")))


Table = Mapping[str, object]

bare = st.text("abcXYZ019_-", min_size=1, max_size=5)
names = bare | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]) | st.sampled_from("\n\"'\\#[]{}=,"), max_size=12
)
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.dates(),
    st.times(),
    texts,
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
documents = st.dictionaries(names, values, max_size=5)


def quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 or c in '"\\' else c for c in text)
    return f'"{escaped}"'


def draw_key(draw: st.DrawFn, name: str) -> str:
    ways = [quoted(name)]
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        ways.append(name)
    if not re.search(r"['\x00-\x1f\x7f]", name):
        ways.append(f"'{name}'")
    return draw(st.sampled_from(ways))


def draw_text(draw: st.DrawFn, text: str) -> str:
    ways = [quoted(text), '"""\n' + quoted(text)[1:-1] + '\\\n  """']
    if not re.search(r"[\x00-\x08\x0b-\x1f\x7f]|'''|'$", text):
        ways.append("'''\n" + text + "'''")
    return draw(st.sampled_from(ways))


def draw_value(draw: st.DrawFn, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return draw_text(draw, value)
    if isinstance(value, list):
        gap = st.sampled_from(["", " ", "\n", ' # ] } "\n\t'])
        elements = [draw(gap) + draw_value(draw, held) + draw(gap) for held in cast("list[object]", value)]
        end = draw(st.sampled_from(["", ",", ", # '''\n"])) if elements else draw(gap)
        return "[" + ",".join(elements) + end + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(draw_pairs(draw, cast("Table", value), "")) + " }"
    if isinstance(value, datetime):
        return value.isoformat(draw(st.sampled_from("T ")))
    return value.isoformat() if isinstance(value, date | time) else str(value)


def draw_pairs(draw: st.DrawFn, table: Table, prefix: str) -> Iterator[str]:
    """`key = value` for each key, tables as dotted keys now and then."""
    dot = st.sampled_from([".", " . ", "\t."])
    for name, value in table.items():
        key = prefix + draw_key(draw, name)
        if is_filled_table(value) and draw(st.booleans()):
            yield from draw_pairs(draw, cast("Table", value), key + draw(dot))
        else:
            yield f"{key}{draw(st.sampled_from(['=', ' = ']))}{draw_value(draw, value)}"


def is_filled_table(value: object) -> bool:
    return isinstance(value, dict) and bool(cast("Table", value))


def draw_table(draw: st.DrawFn, table: Table, prefix: str) -> Iterator[str]:
    """The lines of a table: its pairs, then some of its tables under headers."""
    under: dict[str, object] = {}
    pairs: dict[str, object] = {}
    for name, value in table.items():
        chosen = fits_headers(value) and draw(st.booleans())
        (under if chosen else pairs)[name] = value
    yield from draw_pairs(draw, pairs, "")
    for name, value in under.items():
        path = prefix + draw_key(draw, name)
        end = draw(st.sampled_from(["", " # [x]", "\n\n  # a = 1"]))
        held = cast("list[Table]", value) if isinstance(value, list) else [cast("Table", value)]
        brackets = ("[[", "]]") if isinstance(value, list) else ("[", "]")
        for inner in held:
            yield f"{brackets[0]}{path}{brackets[1]}{end}"
            yield from draw_table(draw, inner, path + ".")


def fits_headers(value: object) -> bool:
    tables = cast("list[object]", value) if isinstance(value, list) else [value]
    return bool(tables) and all(isinstance(table, dict) for table in tables)


@st.composite
def flows(draw: st.DrawFn) -> str:
    return "\n".join(draw_table(draw, draw(documents), "")) + draw(st.sampled_from(["", "\n", "  # end"]))


@settings(max_examples=100, deadline=None)
@given(flows())
@example("")
@example("'' = 1\n[x.\"\"]\n")
@example('a."b.c".\'d\' = {e.f = 1, e.g = """x"""}\n')
@example("[ a . b ]\nx=1\n[[ a.c ]]\n[a.c.d]\n[[a.c]]\n")
def test_whatever_the_style_each_key_is_found_where_it_stands(text: str) -> None:
    assert_every_key_is_at_its_place(parse(text, "flows.toml"))


@settings(deadline=None)
@given(st.dictionaries(bare, st.recursive(scalars, lambda inner: st.dictionaries(bare, inner, max_size=3)), max_size=4))
def test_each_key_of_what_our_editor_writes_is_found(data: dict[str, Any]) -> None:
    assert_every_key_is_at_its_place(parse(tomlkit.dumps(data), "flows.toml"))  # pyright: ignore[reportUnknownMemberType]  # partly typed


# --- errors ----------------------------------------------------------------------------------------------------------


def complaint(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse(text, "flows.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "what", "fix"),
    [
        ('a = 1\nname = "moon\n', "2:8", 'no closing "', 'put " at its end'),
        ("name = 'moon\n", "1:8", "no closing '", "put ' at its end"),
        ('a = """\nb = 1\n', "1:5", 'no closing """', 'put """ at its end'),
        ("a = '''\nb = 1\n", "1:5", "no closing '''", "put ''' at its end"),
        ("seed = 1\nx = 2\nseed = 3\n", "3:1", "seed is there twice: first on line 1", "keep one of the two"),
        ("[a]\n[b]\n[a]\n", "3:2", "a is there twice: first on line 1", "keep one"),
        ("a = { x = 1, x = 2 }\n", "1:14", "x is there twice: first on line 1", "keep one"),
        ("a = 1\n[[a]]\n", "2:3", "a is there twice: first on line 1", "keep one"),
        ("a = 1\n[a.b]\n", "2:2", "a is there twice: first on line 1", "keep one"),
        ("a = {}\na.b = 1\n", "2:1", "a is there twice: first on line 1", "keep one"),
        ("[x]\na.b = 1\n[x.a]\n", "3:4", "a is there twice: first on line 2", "keep one"),
        ("[a.b]\n[a]\nb.c = 1\n", "3:1", "b is there twice: first on line 1", "keep one"),
        ("mode: paper\n", "1:5", "':' stands where TOML has '='", "key = value"),
        ("sources:\n  market: 1\n", "1:8", "YAML", "[header]"),
        ("a = 1\n- b\n", "2:3", "YAML", 'key = ["a", "b"]'),
        ('{ "a": 1 }\n', "1:1", "not JSON", "without braces"),
        ('x = { use: "ema" }\n', "1:10", "':' stands where TOML has '='", "key = value"),
        ('p = ["A", "B"\nseed = 1\n', "1:5", "the list that begins here is not closed", "put ] after"),
        ('p = ["A",\n[risk.main]\n', "1:5", "the list that begins here is not closed", "put ] after"),
        ('p = ["A",\nseed = 1\n', "1:5", "the list that begins here is not closed", "put ] after"),
        ('p = ["A"\n\n', "1:5", "the list that begins here is not closed", "put ] after"),
        ('p = ["A" "B"]\n', "1:10", "here should be a comma", "put , between"),
        ("p = [[1, 2]\n[3, 4]]\n", "2:1", "here should be a comma", "put , between"),
        ("p = { a = 1 b = 2 }\n", "1:13", "here should be a comma", "put , between"),
        ("s = { a = 1\nb = 2\n", "1:12", "a table in { } ends on its own line", "close it with }"),
        ("s = { a = 1", "1:5", "the table that begins here is not closed", "put } after"),
        ("s = {\n  a = 1 }\n", "1:6", "a table in { } ends on its own line", "close it with }"),
        ("s = { a = 1, }\n", "1:14", "a comma before } has nothing after it", "take the comma out"),
        ("grace = 500ms\n", "1:9", "500ms is no value", 'quotes: "500ms"'),
        ("tf = [1m, 5m]\n", "1:7", "1m is no value", 'quotes: "1m"'),
        ("amount = 1,50\n", "1:10", "decimal point", "write 1.50"),
        ("n = 007\n", "1:5", "does not begin with 0", "write 7"),
        ("n = 5.\n", "1:5", "does not end with a point", "write 5.0"),
        ("n = -.5\n", "1:5", "does not begin with a point", "write -0.5"),
        ("product = EURUSD  # the pair\n", "1:11", "EURUSD is no value", 'quotes: "EURUSD"'),
        ("on = True\n", "1:6", "True is no value", "write true"),
        ("on = Off\n", "1:6", "Off is no value", "write false"),
        ("on = null\n", "1:6", "no null", "leave the key out"),
        ("on =\n", "1:5", "here should be a value", "in quotes, a number"),
        ("on =", "1:5", "here should be a value", "in quotes, a number"),
        ("a = “x”\n", "1:5", "“ is not a quote", "straight quotes"),
        ("a = 2026-13-45\n", "1:5", "2026-13-45 is no value", 'quotes: "2026-13-45"'),
        ("'' = 1\n[\"\"]\n", "2:2", '"" is there twice: first on line 1', "keep one"),
        ("a = 2026-02-30\n", "1:5", "does not exist", "2026-01-05T08:00:00Z"),
        ('p = "C:\\data"\n', "1:8", "begins an escape", "'single quotes'"),
        ('p = "\\u12"\n', "1:6", "begins an escape", "'single quotes'"),
        ('p = "a"b"\n', "1:8", "ended at the quote before", "the other kind"),
        ("a = 1 b = 2\n", "1:7", "two keys", "line of its own"),
        ("a = 1,\n", "1:6", "a comma stands only in", "take it out"),
        ("a = 1 // one\n", "1:7", "something follows", "behind #"),
        ("[a] b = 1\n", "1:5", "line of its own", "next line"),
        ("[my table]\n", "1:5", "does not end with ]", "quotes"),
        ("[[test]\n", "1:7", "does not end with ]]", "close it"),
        ("[]\n", "1:2", "here should be a name", "letters"),
        ("= 1\n", "1:1", "here should be a name", "letters"),
        ("my key = 1\n", "1:4", "a key is one word", "_"),
        ("key\n", "1:4", "here should be = and a value", "key = value"),
        ("a = 1\n<<<<<<< mine\n", "2:1", "a merge", "choose one"),
        ("a = 'x\x07'\n", "1:7", "control character", "delete it"),
    ],
)
def test_broken_toml_is_told_in_one_sentence_with_place_and_remedy(text: str, place: str, what: str, fix: str) -> None:
    said = complaint(text)
    assert said.startswith(f"flows.toml:{place}: "), said
    about, _, remedy = said.partition("; ")
    assert what in about, said
    assert fix in remedy, said
    assert "\n" not in said


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab1.=[]{},:\"'\\# \n\r\tu-_") | st.characters(codec="utf-8"), max_size=40))
def test_every_text_is_a_flow_or_gets_one_sentence_with_a_place_in_it(text: str) -> None:
    assert_a_flow_or_one_sentence(text)


@settings(deadline=None)
@given(flows(), st.data())
def test_a_flow_cut_anywhere_is_still_a_flow_or_gets_one_sentence(text: str, data: st.DataObject) -> None:
    end = data.draw(st.sampled_from(["", "\n[x]\n", '"', "]", "= 1"]))
    assert_a_flow_or_one_sentence(text[: data.draw(st.integers(0, len(text)))] + end)


def assert_a_flow_or_one_sentence(text: str) -> None:
    read_or_refused = parsed(text)
    if isinstance(read_or_refused, Source):
        assert set(read_or_refused.at.paths()) == set(paths(read_or_refused.data))
        return
    (problem,) = read_or_refused.problems
    lines = text.removeprefix("\ufeff").split("\n")
    assert 1 <= problem.line <= len(lines)
    assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    assert problem.what
    assert problem.fix
    assert "\n" not in str(read_or_refused)


def parsed(text: str) -> Source | PlanError:
    try:
        return parse(text, "flows.toml")
    except PlanError as error:
        return error


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (".".join("a" * 17) + " = 1\n", "1:33: a dotted name has at most 16 parts"),
        ("a = 1\n[" + ".".join("a" * 20_000) + "]\n", "2:34: a dotted name has at most 16 parts"),
        ("a = { b = [{ " + ".".join("a" * 20_000) + " = 1 }] }\n", "a dotted name has at most 16 parts"),
        ("[[a]]\n" * 2001, "2001:1: a flow has at most 2,000 tables"),
        ("a = [" + "{}," * 2001 + "]\n", "a flow has at most 2,000 tables"),
        ("a = " + "[" * 101 + "]" * 101, "1:105: lists and tables stand in each other at most 100 levels deep"),
        ("a = " + "{x=" * 5000, "lists and tables stand in each other at most 100 levels deep"),
        ("a = " + "[" * 100_000, "lists and tables stand in each other at most 100 levels deep"),
        ("a = " + "9" * 5000, "1:5: a value without quotes has at most 1000 characters"),
        ("#" * (1024 * 1024 + 1), "the file has 1,048,577 bytes, and a flow has at most 1,048,576"),
        ("# é" * 400_000, "the file has 1,600,000 bytes"),
    ],
)
def test_a_text_that_would_cost_too_much_is_refused_before_it_is_parsed(text: str, what: str) -> None:
    assert what in complaint(text)


def test_the_limits_themselves_are_allowed() -> None:
    parse(".".join("a" * 16) + " = 1\n", "flows.toml")
    parse("[[a]]\n" * 2000, "flows.toml")
    parse("a = " + "[" * 100 + "]" * 100, "flows.toml")
    parse("#" * (1024 * 1024), "flows.toml")


# --- files -----------------------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(PlanError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(f"{path}:")
    assert caught.value.exit_code == 2
    return said


def test_a_flow_file_is_read_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "flows.toml"
    file.write_bytes(b'\xef\xbb\xbf[moonlight]\r\nname = "\xc3\xa9"\r\n')
    source = read(file)
    assert (source.file, source.data) == (str(file), {"moonlight": {"name": "é"}})
    assert source.place(("moonlight", "name")) == (2, 1)


def test_a_missing_file_names_the_nearest_flow(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").touch()
    assert f"there is no such file; did you mean {tmp_path / 'flows.toml'}?" in refusal(tmp_path / "flow.toml")
    assert "make one with `init`" in refusal(tmp_path / "x.json")
    assert f"there is no folder {tmp_path / 'flow'} either" in refusal(tmp_path / "flow" / "flows.toml")


def test_a_folder_is_no_flow_but_names_the_flow_in_it(tmp_path: Path) -> None:
    assert "this is a folder; name a flow file" in refusal(tmp_path)
    (tmp_path / "flows.toml").touch()
    assert f"this is a folder; name a file in it: {tmp_path / 'flows.toml'}" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "this is no regular file" in refusal(tmp_path / "pipe")


@pytest.mark.skipif(os.name != "posix", reason="file rights work differently here")
def test_a_file_we_may_not_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "flows.toml"
    file.touch(mode=0)
    root = os.geteuid() == 0
    if root:  # who may read everything: be somebody else for a moment
        os.seteuid(65534)
    try:
        assert "we may not read this file; give us the right to (chmod u+r" in refusal(file)
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="the system's words differ here")
def test_a_path_no_system_takes_is_told_in_the_systems_words(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").touch()
    assert "the file cannot be read (Not a directory); mend the path" in refusal(tmp_path / "flows.toml" / "flows.toml")
    assert "the file cannot be read (File name too long); mend the path" in refusal(tmp_path / ("x" * 5000))


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"a = 1\nb = '\xfe'\n", "2:6: the byte at offset 11 (0xfe) is not UTF-8; save the file as UTF-8"),
        ("é = '\udcff'".encode("utf-8", "surrogateescape"), "1:6: the byte at offset 6 (0xff) is not UTF-8"),
        ("a = 1".encode("utf-16"), "this is UTF-16 text; save the file as UTF-8"),
        (b"\x7fELF\x00\x01", "1:5: this is no text: the byte at offset 4 is zero"),
        (b"#" * (1024 * 1024 + 5), "the file has 1,048,581 bytes"),
    ],
)
def test_bytes_that_are_no_flow_are_told_by_their_offset(tmp_path: Path, raw: bytes, what: str) -> None:
    file = tmp_path / "flows.toml"
    file.write_bytes(raw)
    assert what in refusal(file)

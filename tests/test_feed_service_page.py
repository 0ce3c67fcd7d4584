"""The page on the feed service says what there is: every key of the sink, every key of a heartbeat, every state."""

import re
from dataclasses import fields

from pipeline.publishing.figures import Figures, diagnosis_of
from pipeline.publishing.heartbeat import MANY, heartbeat_of
from pipeline.publishing.picture import ONLY_LIVE
from pipeline.publishing.status import MANY as SYMBOLS
from pipeline.publishing.thresholds import Thresholds
from pipeline.service import Pace, Quota
from pipeline.times import SECOND
from sinks.redis import Redis
from tests.pulses import SATURDAY, Driven
from tests.support import ROOT, plan_of

PAGE = (ROOT / "docs" / "feed_service.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def first_column(section: str) -> set[str]:
    """The words in backticks that begin the rows of a section's tables."""
    rows = re.findall(r"^\| (`.+?) \|", SECTIONS[section], re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def test_the_flow_on_the_page_is_a_flow() -> None:
    text = re.search(r"```toml\n(.+?)```", PAGE, re.DOTALL)
    assert text is not None
    assert "sinks.redis" in {node.id for node in plan_of(text[1]).nodes}


def test_every_key_of_the_sink_has_a_row_with_its_default() -> None:
    spans = {"tick_live", "tick_stale", "quotes_lost", "idle_after", "closed_idle"}
    keys = {field.name: field.default for field in fields(Redis)}  # pyright: ignore[reportArgumentType]  # made by @sink
    assert spans <= set(keys)
    section = "The keys of `[sinks.redis]`"
    assert first_column(section) - spans == set(keys) - spans
    for key, default in keys.items():
        if key not in spans and default not in ("", ()):
            shown = f"{default:g}" if isinstance(default, float) else str(default).lower()
            assert f"| `{key}` | `{shown}` |" in SECTIONS[section], key


def test_every_key_of_a_heartbeat_has_a_row_and_no_row_is_of_a_key_that_is_not() -> None:
    told = set[str]()
    for driven in (Driven("XAUUSD").ticking(60), Driven("XAUUSD", begins=SATURDAY)):
        driven.bar()
        paces = {"1m": Pace(2.0, "prices come", 0), "5m": Pace(9.0, "prices come", 0)}
        driven.report(quota=Quota(1, 30, 1, 600, "ok", False), pace=paces)
        picture = driven.look()
        diagnosis = diagnosis_of("sinks.redis", picture, driven.pulse, Figures(), ())
        told |= set(heartbeat_of(picture, driven.pulse, diagnosis, "fxcm:price_tik", 3.0).context)
    assert first_column("The heartbeat") == told


def test_the_spans_and_bounds_on_the_page_are_those_of_the_program() -> None:
    limits = Thresholds()
    for name in ("tick_live", "tick_stale", "quotes_lost", "idle_after", "closed_idle"):
        assert f"`{name}` ({getattr(limits, name) // SECOND} s)" in PAGE, name
    assert f"{limits.bars_delayed // SECOND} s, {limits.bars_down // SECOND} s after" in PAGE
    assert f"the {SYMBOLS} quietest symbols" in PAGE
    assert f"the {MANY} quietest" in PAGE
    assert f"`{ONLY_LIVE}`" in PAGE


def test_every_page_it_points_to_is_named_once_at_least() -> None:
    assert set(re.findall(r"\]\((\w+\.md)\)", PAGE)) >= {"fxcm.md", "channels.md", "metrics.md", "feed_cases.md"}

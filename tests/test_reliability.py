"""The page on reliability names tests that there are."""

import re

from tests.support import ROOT


def test_every_test_that_the_page_on_reliability_names_is_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    there = {
        name
        for path in (*(ROOT / "tests").glob("test_*.py"), ROOT / "tests" / "feed" / "acceptance.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named
    assert sorted(named - there) == []


def test_every_row_of_it_has_its_proof_or_says_why_it_cannot_happen_yet() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    claims = [row for row in rows if row[0] != "what"]
    assert len(claims) >= 24
    assert [row[0] for row in claims if not row[-1].startswith("`test_") and "cannot happen yet" not in row[1]] == []

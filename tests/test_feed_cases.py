"""The page on the feed's cases has all of them, and names tests that there are."""

import re

from tests.support import ROOT

CASES = 44
PAGE = (ROOT / "docs" / "feed_cases.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]
BY_CASE = {row[0]: row for row in ROWS if re.fullmatch(r"D-\d\d", row[0])}


def there() -> set[str]:
    """Every test of the project, by name."""
    return {
        name
        for path in (*(ROOT / "tests").rglob("test_*.py"), ROOT / "tests" / "feed" / "acceptance.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_every_case_has_one_row() -> None:
    assert list(BY_CASE) == [f"D-{number:02}" for number in range(1, CASES + 1)]
    assert sorted(row[0] for row in ROWS if row[0].startswith("D-")) == sorted(BY_CASE)


def test_every_case_has_a_test_of_its_name_or_says_why_it_has_none() -> None:
    bare = [case for case, row in BY_CASE.items() if f"`test_d{case[2:]}_" not in row[-1] and "Not here:" not in row[1]]
    assert bare == []


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert sorted(named - there()) == []


def test_every_test_that_is_named_after_a_case_stands_in_its_row() -> None:
    named = {name for name in there() if re.match(r"test_d\d\d_", name)}
    assert sorted(name for name in named if f"`{name}`" not in BY_CASE[f"D-{name[6:8]}"][-1]) == []

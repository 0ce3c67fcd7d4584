"""The pages on the API and on security say what is there."""

import re

from pipeline.control import limits
from pipeline.control.controls import every_route
from pipeline.control.errors import STATUS
from tests.support import ROOT

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    part = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    return [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]


def test_the_page_has_every_route_and_no_other() -> None:
    told = set[tuple[str, str]]()
    for cells in rows(API, "Questions"):
        for method, path in re.findall(r"`(GET|POST|PUT) (/[\w/{}.]*)", cells[0]):
            told.add((method, path))
    own = {("GET", "/openapi.json"), ("GET", "/docs")}
    assert told - own == {(route.method, route.path) for route in every_route()}


def test_the_page_names_the_parameters_and_fields_of_each_route() -> None:
    for route in every_route():
        asked = f"{route.method} {route.path}"
        (line,) = (cells[0] for cells in rows(API, "Questions") if asked in re.split(r"[`?]", cells[0]))
        for name in route.query.__struct_fields__:
            assert name in line or name == "if_match", (route.path, name)
        for name in getattr(route.body, "__struct_fields__", ()):
            assert name in line or name in ("by", "only"), (route.path, name)


def test_the_page_has_every_code_with_its_status() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows(API, "Refusals") if cells[0].startswith("`")}
    assert set(told) == set(STATUS)
    for code, status in STATUS.items():
        assert str(status) in told[code]


def test_the_limits_are_those_of_the_program() -> None:
    text = " ".join(cell for cells in rows(API, "Limits") for cell in cells)
    assert f"{limits.LARGEST_QUESTION // 1024} KiB; with a flow file in it {limits.LARGEST_FLOW // 1024} KiB" in text
    assert f"{limits.REQUESTS_PER_SECOND:.0f} a second, {limits.REQUESTS} at once" in text
    assert f"{limits.CONNECTIONS} on the port, and {limits.CONNECTIONS} more" in text
    assert f"{limits.SOCKETS}; the next is answered 503" in text
    assert f"{limits.IDLE:.0f} s" in text
    assert f"{limits.QUESTIONS} at once, {limits.QUESTIONS_PER_SECOND:.0f} a second" in text
    assert f"a queue of {limits.QUEUE:,} for each line" in API


def test_every_test_that_the_page_on_security_names_is_there_and_every_row_has_its_proof() -> None:
    there = {
        name
        for path in (ROOT / "tests").glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", SECURITY))
    assert sorted(named - there) == []
    claims = [cells for name in ("Over the control API", "Around it") for cells in rows(SECURITY, name)]
    unproved = [cells[0] for cells in claims if cells[0] != "what somebody tries" and "`test_" not in cells[-1]]
    assert unproved == ["text that becomes a program (`eval`, pickle, YAML)", "a library that was exchanged"]
    assert len(claims) >= 26

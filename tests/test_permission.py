"""Every venue says on whose word one may trade there; it is shown before a first run and before real money is armed."""

from pathlib import Path

import pytest

from pipeline.arming import case_of
from pipeline.parts import registered
from pipeline.permission import UNSAID, permission_of
from pipeline.values import Past
from pipeline.verbs.accounts_findings import of_flow
from tests.support import MONDAY, SMALL, plan_of

VENUES = {
    "deriv": 'use = "deriv"\napp_id = "app"\n',
    "http": 'use = "http"\nurl = "https://api.broker.example/v1"\npermission_page = "https://broker.example/terms"\n'
    'jurisdiction = "Residents of the countries its terms name."\n',
}
SAID = {
    "deriv": (
        "Deriv publishes this API for programs that trade; whether you may, its terms for the country you live in say",
        "https://developers.deriv.com/docs/",
    ),
    "http": ("Residents of the countries its terms name.", "https://broker.example/terms"),
}


def flow(name: str, money: str) -> str:
    """The small flow with its account at another venue."""
    head, tail = SMALL.split("[venues.practice]\n", 1)
    rest = tail[tail.index("\n[") :]
    head = head.replace('venue = "practice"', f'venue = "there"\nmoney = "{money}"')
    mode = head.replace("[moonlight]\n", '[moonlight]\nmode = "live"\n') if money == "real" else head
    return f"{mode}[venues.there]\n{VENUES[name]}{rest}"


@pytest.mark.parametrize("name", list(VENUES))
def test_before_real_money_is_armed_the_venues_statement_and_its_page_are_shown(name: str) -> None:
    sheet = case_of(plan_of(flow(name, "real")), "demo-1", Past((), {}), [], MONDAY).sheet()
    assert tuple(sheet["permission"]) == SAID[name]


@pytest.mark.parametrize("name", list(VENUES))
def test_doctor_shows_it_before_a_first_run_with_demo_money(name: str, tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(flow(name, "demo"), encoding="utf-8")
    statement, page = SAID[name]
    said = [(each.state, each.found) for each in of_flow(tmp_path / "flows.toml") if each.what == "permission"]
    assert said == [("ok", f"there: {statement} ({page})")]


def test_every_venue_that_is_shipped_says_it_and_names_a_page_unless_nobodys_money_moves() -> None:
    assert set(registered("venue")) == {*VENUES, "practice"}
    for name in VENUES:
        permission = permission_of(plan_of(flow(name, "demo")).by_id["venues.there"].instance)
        assert permission != UNSAID
        assert not permission.rehearsal
        assert permission.page.startswith("https://")
    assert permission_of(plan_of(SMALL).by_id["venues.practice"].instance).rehearsal

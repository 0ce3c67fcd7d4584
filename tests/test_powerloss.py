"""A power cut at any moment: the ledger is whole afterwards, and all that it said was on disk is there."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bench.powerloss import (
    Act,
    Disk,
    Remove,
    Statement,
    Sync,
    Tell,
    Told,
    Truncate,
    Write,
    bursting,
    campaign,
    cut_anywhere,
    recorded,
    traced,
    trading,
)
from pipeline.ledger.tables import VERSION, opened
from tests.processes.older import of_version_2


def test_whatever_the_ledger_said_is_on_disk_is_there_after_a_power_cut_anywhere() -> None:
    found = campaign(images=300, orders=40, seed=1)
    assert (found.images, found.damaged, found.torn, found.losing) == (300, 0, 0, 0), found.first


def test_what_was_intended_in_bursts_and_said_to_be_on_disk_is_there_after_a_power_cut_anywhere() -> None:
    found = campaign(images=100, orders=60, seed=1, manner=bursting)
    assert (found.images, found.damaged, found.torn, found.losing) == (100, 0, 0, 0), found.first


def test_a_ledger_that_syncs_less_would_lose_what_it_said_was_on_disk() -> None:
    """The control: with this the cuts show that they can find a loss."""
    found = campaign(images=60, orders=20, seed=1, synchronous="NORMAL")
    assert (found.damaged, found.torn) == (0, 0)
    assert found.losing > 20


@pytest.mark.parametrize(("first", "bad"), [("EXTRA", False), ("FULL", True)])
def test_a_new_ledger_is_whole_or_new_though_a_power_cut_undoes_a_removal(
    tmp_path: Path, first: str, bad: bool
) -> None:
    """Without syncing the folder before the journal mode changes the old journal would come back and be applied."""
    for name in ("traced", "recorded", "image"):
        (tmp_path / name).mkdir()
    steps = [
        step._replace(text=step.text.replace("synchronous = EXTRA", f"synchronous = {first}"))
        if isinstance(step, Statement)
        else step
        for step in traced(trading(4), tmp_path / "traced" / "ledger.db")
    ]
    acts = recorded(steps, tmp_path / "recorded" / "ledger.db")
    found = cut_anywhere(acts, 100, 1, tmp_path / "image", "ledger.db")
    assert (found.damaged + found.torn + found.losing > 0) is bad, found.first


@pytest.mark.slow
@pytest.mark.parametrize(("images", "pages", "seed"), [(9_500, 40, 1), (9_500, 7, 2), (1_000, 0, 3)])
def test_twenty_thousand_power_cuts_lose_nothing(images: int, pages: int, seed: int) -> None:
    found = campaign(images, 150, seed, pages=pages)
    assert (found.images, found.damaged, found.torn, found.losing) == (images, 0, 0, 0), found.first


OLD, NEW = Told("", "old"), Told("", "new")


# --- migrations ------------------------------------------------------------------------------------------------------


def test_a_power_cut_while_a_ledger_is_brought_along_leaves_it_as_it_was_or_brought_along(tmp_path: Path) -> None:
    for name in ("traced", "recorded", "image"):
        (tmp_path / name).mkdir()

    def brought_along(path: Path, tell: Tell) -> None:
        of_version_2(path)
        tell(OLD)
        opened(path).close()
        tell(NEW)

    acts = recorded(traced(brought_along, tmp_path / "traced" / "ledger.db"), tmp_path / "recorded" / "ledger.db")
    told = acts.index(OLD)
    cuts = np.linspace(told, len(acts), 60).astype(int).tolist()
    seen = [found_after(acts[:cut], seed, tmp_path / "image") for seed, cut in enumerate(cuts)]
    assert set(seen) == {(2, "OPEN"), (VERSION, "CONFIRM")}
    assert seen[-1] == (VERSION, "CONFIRM"), "once it is told, it is there"


def found_after(acts: Sequence[Act], seed: int, folder: Path) -> tuple[int, str]:
    """The version of a ledger after a cut, and the state of its order."""
    disk = Disk()
    for act in acts:
        disk.take(act)
    for each in folder.iterdir():
        each.unlink()
    for name, held in disk.cut(np.random.default_rng(seed)).items():
        (folder / name).write_bytes(held)
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (state,) = db.execute("SELECT state FROM orders").fetchone()
    return version, state


# --- the disk itself -------------------------------------------------------------------------------------------------


def left(*acts: Act, seeds: int = 40) -> set[bytes | None]:
    """What may be in a file after a cut."""
    found = set[bytes | None]()
    for seed in range(seeds):
        disk = Disk()
        for act in acts:
            disk.take(act)
        held = disk.cut(np.random.default_rng(seed)).get("f")
        found.add(None if held is None else bytes(held))
    return found


def test_what_is_synced_stays_and_what_is_not_may_be_there_in_part() -> None:
    first, second = Write("f", 0, b"a" * 1024), Write("f", 0, b"b" * 1024)
    assert left(first, Sync("f")) == {b"a" * 1024}
    torn = left(first, Sync("f"), second)
    assert (
        {b"a" * 1024, b"b" * 1024} < torn <= {one * 512 + other * 512 for one in (b"a", b"b") for other in (b"a", b"b")}
    )
    assert left(first, Sync("f"), Truncate("f", 512)) == {b"a" * 1024, b"a" * 512}


def test_a_file_that_is_removed_may_come_back_unless_its_folder_was_synced() -> None:
    written = (Write("f", 0, b"a"), Sync("f"))
    assert left(*written, Remove("f", synced=True)) == {None}
    assert left(*written, Remove("f", synced=False)) == {None, b"a"}

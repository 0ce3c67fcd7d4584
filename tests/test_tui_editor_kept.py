"""What is typed into the flow's file and not applied: kept for whoever typed it, whatever else edits it meanwhile."""

from pathlib import Path

from tests.editing import editing
from tests.screens import run
from tests.test_tui_editor import SMALL, put_behind
from tui.editor.shelf import Shelf


def test_consoles_of_one_flow_keep_what_is_theirs_and_what_is_left_of_one_that_is_gone_is_taken_up_once(
    tmp_path: Path,
) -> None:
    settings, flow = tmp_path / "console.toml", tmp_path / "my[1].flows.toml"
    one, other = Shelf(settings, flow), Shelf(settings, flow)
    one.keep("one's", "a")
    other.keep("other's", "b")
    one.forget()
    other.leave()
    next_one, last = Shelf(settings, flow), Shelf(settings, flow)
    left = next_one.kept()
    assert left is not None
    assert (left.text, left.of) == ("other's", "b")
    assert one.kept() is None, "what another one keeps is not one's own"
    assert last.kept() is None
    next_one.forget()
    assert not list((tmp_path / "unsaved").glob("*.toml"))
    for each in (one, next_one, last):
        each.leave()


def test_leaving_right_behind_the_last_key_loses_nothing_of_what_was_typed(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path) as edits:
            await edits.control()
            put_behind(edits, "period = 3")
            await edits.type("17")
        kept = [each.read_text("utf-8") for each in (tmp_path / "settings" / "unsaved").glob("*.toml")]
        assert [SMALL.replace("period = 3", "period = 317", 1)] == kept

    run(main())

"""What is typed into the flow's file and not applied: kept for whoever typed it, whatever else edits it meanwhile."""

from pathlib import Path

from tests.editing import editing
from tests.screens import run
from tests.test_tui_editor import SMALL, put_behind
from tests.test_tui_typed_ahead import at_once
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


def test_keys_of_the_text_are_done_in_their_order_and_leaving_right_behind_them_loses_nothing(tmp_path: Path) -> None:
    flow = tmp_path / "flows.toml"
    flow.write_text(SMALL, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path) as edits:
            assert "q Leave" in edits.shown
            await edits.control()
            await edits.until(lambda: "q Leave" not in edits.shown)
            flow.unlink()
            await edits.shows("· the flow file")
            flow.write_text(SMALL, encoding="utf-8")
            put_behind(edits, "period = 3")
            at_once(edits.app, "x", "left", "1", "delete", "7")
            await edits.until(lambda: "period = 317 }" in edits.text)
        kept = [each.read_text("utf-8") for each in (tmp_path / "settings" / "unsaved").glob("*.toml")]
        assert [SMALL.replace("period = 3", "period = 317", 1)] == kept

    run(main())

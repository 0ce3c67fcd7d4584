"""One line above the text: somebody else changed the file."""

from typing import ClassVar, Literal

from textual.binding import BindingType
from textual.message import Message

from tui.acts import act
from tui.painted import Frame, Panel, Run
from tui.sheet import words


class Bar(Panel, can_focus=True):
    """The file was changed by somebody else while you changed it, too. Nothing of either is lost."""

    FRAMED: ClassVar[bool] = False
    DEFAULT_CSS = """
    Bar { display: none; height: 1; background: $raised; }
    Bar.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        act("edit.theirs", "r", "take('theirs')", "Theirs", "take what the file says now; ctrl+z brings yours back"),
        act("edit.mine", "k", "take('mine')", "Mine", "keep yours: applying it puts it in the place of theirs"),
    ]

    class Taken(Message):
        """Whose text it is to be."""

        def __init__(self, whose: Literal["theirs", "mine"]) -> None:
            super().__init__()
            self.whose = whose

    def frame(self, width: int, height: int) -> Frame:
        del height
        keys = (
            "f6 diff · r theirs · k keep mine" if self.has_focus else "f6 diff · tab here, then r theirs · k keep mine"
        )
        said = Run(" ! the file changed meanwhile: ", "warn"), Run(keys, "text")
        return Frame([words(width, *said)._replace(ground="raised")])

    def action_take(self, whose: Literal["theirs", "mine"]) -> None:
        self.post_message(self.Taken(whose))

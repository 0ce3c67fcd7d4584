"""The texts that ran before, to go back to one of them."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from pipeline.control.config import VersionRow
from tui.acts import act
from tui.modal import Modal
from tui.shell import Shell
from tui.table import Column, Table


class VersionsTable(Table[VersionRow], can_focus=True):
    """Each text that an engine ran, the newest first, as far as the flow's ledger remembers."""

    NAME: ClassVar[str] = "Versions that ran"

    def __init__(self, shell: Shell, place: str, versions: Sequence[VersionRow]) -> None:
        super().__init__(shell, place)
        self._versions = tuple(versions)

    def columns(self) -> tuple[Column[VersionRow], ...]:
        return (
            Column("Known since", 20, lambda row: self.shell.time(row.at_ms, "%Y-%m-%d %H:%M:%S")),
            Column("Lines", 6, lambda row: str(row.lines), right=True),
            Column("", 12, lambda row: "runs now" if row.running else "", lambda _: "up"),
            Column("Name", 10, lambda row: row.hash[:8], lambda _: "dim", goes=1),
        )

    def version(self) -> object:
        return 1

    def rows(self) -> Iterable[VersionRow]:
        return self._versions

    def key(self, row: VersionRow) -> str:
        return row.hash

    def empty(self) -> str:
        return "the ledger remembers no text that ran; each that does from now on is kept there"

    def subtitle(self) -> str:
        return "enter puts it into the editor · esc back"


class Versions(Modal[str | None]):
    """Gives the hash of the text that was chosen."""

    DEFAULT_CSS = """
    Versions { align: center middle; background: $ground 60%; }
    #versions { width: 70; max-width: 96%; height: 60%; background: $ground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [act("versions.back", "escape,q,f9", "dismiss(None)", "Back", "back")]

    def __init__(self, shell: Shell, versions: Sequence[VersionRow]) -> None:
        super().__init__()
        self._table = VersionsTable(shell, "versions", versions)

    def compose(self) -> ComposeResult:
        yield self._table

    def on_mount(self) -> None:
        self.set_focus(self._table)

    @on(VersionsTable.Opened)
    def _chosen(self, event: VersionsTable.Opened) -> None:
        event.stop()
        self.dismiss(event.row.hash)

"""Text that was typed and not applied, kept in a file until it is: no crash of the console loses it."""

from collections.abc import Iterator
from contextlib import ExitStack
from glob import escape
from hashlib import blake2b
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.locking import locked
from pipeline.private import write_private

FOLDER = "unsaved"


class Kept(NamedTuple):
    """What was kept, and of which text it is an edit."""

    text: str
    of: str
    file: Path


class Shelf:
    """A place for one flow's unsaved text, beside a person's settings; without these it keeps nothing.

    Each console that edits the flow has a place of its own as long as it lives, so none writes over what another one
    keeps; what is left in the place of one that is gone is there for the next.
    """

    def __init__(self, settings: Path | None, flow: Path) -> None:
        self._folder = None if settings is None else settings.parent / FOLDER
        self._name = f"{flow.stem}.{blake2b(str(flow.resolve()).encode(), digest_size=6).hexdigest()}"
        self._place = ""
        self._held = ExitStack()

    def keep(self, text: str, of: str) -> None:
        """Keep a text, an edit of the one that has that hash."""
        if self._folder is None:
            return
        try:
            file = self._folder / f"{self._name}.{self._ours(self._folder)}.{of}.toml"
            write_private(file, text.encode())
        except OSError as problem:
            said = f"cannot keep what is not applied in {self._folder} ({problem.strerror}); apply it soon"
            raise InputError(said) from None
        self._drop(but=file)

    def forget(self) -> None:
        self._drop()

    def kept(self) -> Kept | None:
        """What is left here of a console that is gone; None for nothing, or where it cannot be read."""
        if self._folder is None:
            return None
        try:
            place = self._ours(self._folder)
        except OSError:  # said when there is something to be kept
            return None
        for file in sorted(self._files(self._folder, place)):
            try:
                return Kept(file.read_bytes().decode(), file.name.split(".")[-2], file)
            except (OSError, UnicodeDecodeError):
                continue
        return None

    def leave(self) -> None:
        """What is kept here stays, for whoever comes next."""
        self._held.close()
        self._place = ""

    def _ours(self, folder: Path) -> str:
        """A place that no other console has: one in which something was left, else the first that is free."""
        if self._place:
            return self._place
        left = sorted({file.name.split(".")[-3] for file in self._files(folder)})
        for place in chain(left, map(str, count(1))):
            with ExitStack() as held:
                if held.enter_context(locked(folder / f"{self._name}.{place}.lock", 0o600)):
                    self._place, self._held = place, held.pop_all()
                    break
        return self._place

    def _files(self, folder: Path, place: str = "") -> Iterator[Path]:
        return folder.glob(f"{escape(f'{self._name}.{place}' if place else self._name)}.*.toml")

    def _drop(self, but: Path | None = None) -> None:
        if self._folder is None or not self._place:
            return
        for file in self._files(self._folder, self._place):
            if file != but:
                file.unlink(missing_ok=True)

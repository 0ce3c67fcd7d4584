"""Text that was typed and not applied, kept in a file until it is: no crash of the console loses it."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.private import write_private

FOLDER = "unsaved"


class Kept(NamedTuple):
    """What was kept, and of which text it is an edit."""

    text: str
    of: str
    file: Path


class Shelf:
    """The place of one flow's unsaved text, beside a person's settings; without these it keeps nothing."""

    def __init__(self, settings: Path | None, flow: Path) -> None:
        self._folder = None if settings is None else settings.parent / FOLDER
        self._name = f"{flow.stem}.{blake2b(str(flow.resolve()).encode(), digest_size=6).hexdigest()}"

    def keep(self, text: str, of: str) -> None:
        """Keep a text, an edit of the one that has that hash."""
        if self._folder is None:
            return
        file = self._folder / f"{self._name}.{of}.toml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_private(file, text.encode())
        except OSError as problem:
            raise InputError(f"cannot keep what is not applied in {file} ({problem.strerror}); apply it soon") from None
        self._drop(but=file)

    def forget(self) -> None:
        self._drop()

    def kept(self) -> Kept | None:
        """What is kept; None for nothing, or where it cannot be read."""
        for file in sorted(self._files()):
            try:
                return Kept(file.read_bytes().decode(), file.name.split(".")[-2], file)
            except (OSError, UnicodeDecodeError):
                continue
        return None

    def _files(self) -> Iterator[Path]:
        return iter(()) if self._folder is None else self._folder.glob(f"{self._name}.*.toml")

    def _drop(self, but: Path | None = None) -> None:
        for file in self._files():
            if file != but:
                file.unlink(missing_ok=True)

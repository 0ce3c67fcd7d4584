"""The file of a flow that runs, looked at from time to time: what it says once whoever edits it is done."""

import os
import tempfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from pipeline.errors import InputError, PlanError, unread
from pipeline.toml_text import read


class Overtaken(InputError):
    """Somebody else changed the file meanwhile: nothing was written over what they wrote."""


class FlowFile:
    """One flow file and the plug-in files beside it. An editor may replace it, cut it, or take it away for a moment:
    what it says counts once two looks saw the same."""

    def __init__(self, path: Path, base: Path, text: str) -> None:
        """`base` is where its plug-ins are: beside the file that a link leads to."""
        self.path, self._base = path, base
        self._text = text
        self._taken: str | None = None
        """What was made known last."""
        self._seen: str | None = None

    def begin(self, plugins: Iterable[str]) -> None:
        """What it says now is known."""
        self.take(self._text, plugins)

    def take(self, text: str, plugins: Iterable[str]) -> None:
        """A text that the program itself wrote or runs is no news."""
        self._text = text
        self._taken = self._seen = _mark(text, self._content(plugins))

    def look(self, plugins: Iterable[str], *, at_once: bool = False) -> str | None:
        """Its text when that is news. `InputError` when it cannot be read, once as long as that is so."""
        names = tuple(plugins)
        try:
            text = read(self.path).text
        except PlanError as unreadable:
            return self._unread(str(unreadable), at_once=at_once)
        mark = _mark(text, self._content(names))
        if mark == self._taken:
            self._seen = mark
            return None
        settled, self._seen = at_once or mark == self._seen, mark
        if not settled:
            return None
        self._taken, self._text = mark, text
        return text

    def put(self, text: str, plugins: Iterable[str], over: str | None = None) -> str:
        """Have the file say another text, which is no news; what it said before. `over` is what it must say by now:
        from the reading of an edit to its writing a flow is loaded and proved, which takes a while."""
        before = self.said()
        if over is not None and before != over:
            raise Overtaken("the flow's file was changed meanwhile; read it again")
        self.write(text)
        self.take(text, plugins)
        return before

    def said(self) -> str:
        """Its text as it stands there, a flow or not."""
        try:
            return self.path.read_bytes().decode().removeprefix("\ufeff")
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"the flow file {self.path} cannot be read ({unread(problem)}); mend it by hand") from None

    def write(self, text: str) -> None:
        """Put another text in its place, whole or not at all."""
        target = self.path.resolve()
        try:
            mode = target.stat().st_mode
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(mode)
                Path(name).replace(target)
            except OSError:
                Path(name).unlink(missing_ok=True)  # on a full disk it would lie there for ever
                raise
        except OSError as failure:
            raise InputError(f"{self.path} cannot be written ({failure.strerror}); mend its folder's rights") from None

    def _unread(self, why: str, *, at_once: bool) -> None:
        """What cannot be read may be on its way."""
        settled, self._seen = at_once or self._seen == why, why
        if settled and self._taken != why:
            self._taken = why
            raise InputError(why)

    def _content(self, plugins: Iterable[str]) -> str:
        """What the plug-in files hold that the flow names."""
        hashed = blake2b(digest_size=16)
        for name in plugins:
            path = self._base / name
            try:
                hashed.update(path.read_bytes())
            except OSError:  # the check of the flow says so
                hashed.update(b"missing")
        return hashed.hexdigest()


def _mark(text: str, plugins: str) -> str:
    return blake2b(f"{plugins}\0{text}".encode(), digest_size=16).hexdigest()

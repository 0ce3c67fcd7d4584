"""A text in the person's own editor, while the console stands back."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from pipeline.errors import InputError
from pipeline.private import write_private


def edited_elsewhere(app: App[None], text: str, name: str) -> str:
    """What is left of a text when $VISUAL or $EDITOR ends. The console stands still meanwhile; the engine goes on."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise InputError("no editor is set; say which in the environment: EDITOR=vi")
    with tempfile.TemporaryDirectory(prefix="moonlight-") as folder:
        file = Path(folder) / name
        write_private(file, text.encode())
        try:
            words = [*shlex.split(command), str(file)]
            with app.suspend():
                ended = subprocess.run(words, check=False).returncode  # noqa: S603  # the person's own choice
        except SuspendNotSupported:
            raise InputError("this terminal cannot be lent to a program; edit the file in another one") from None
        except (OSError, ValueError) as problem:
            raise InputError(f"the editor {command!r} cannot be started ({problem}); set another EDITOR") from None
        if ended:
            raise InputError(f"the editor {command!r} ended with {ended}: its text was left alone")
        try:
            return file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"what the editor left cannot be read ({problem}); your text was left alone") from None

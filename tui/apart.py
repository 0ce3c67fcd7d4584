"""Programs that a console begins and that go on when it is left."""

import os
import subprocess
from collections.abc import Sequence
from threading import Thread
from typing import IO


def begun_apart(command: Sequence[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
    """One that is begun; what it prints goes there. A thread waits for its end, or it would stay behind as a zombie."""
    child = subprocess.Popen(  # noqa: S603  # our own verbs
        command,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=os.name == "posix",
    )
    Thread(target=child.wait, name=f"waits for {child.pid}", daemon=True).start()
    return child

"""Brings a ledger of an older version along in a process that is killed before one of its statements, then the next.

Tells of each before which statement it was killed, the version it left, and the state of its order.
"""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from pipeline.ledger.tables import opened
from tests.processes.engine import die_at, say
from tests.processes.older import of_version_2


def main(folder: Path) -> None:
    of_version_2(folder / "older.db")
    number, whole = 0, False
    while not whole:
        number += 1
        path = folder / f"ledger-{number}.db"
        shutil.copy(folder / "older.db", path)
        pid = os.fork()
        if pid == 0:
            die_at(number, ("",))
            opened(path).close()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        whole = status == 0
        with closing(sqlite3.connect(path)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (state,) = db.execute("SELECT state FROM orders").fetchone()
        say("left", before=number, version=version, state=state)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Whether the engine of a folder answers: `python -m pipeline.operations.alive FOLDER`, for whoever asks every minute.

It imports nothing of ours, so that asking costs next to nothing. Exit code 0 when it does, 1 when it does not.
"""

import http.client
import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 10.0
"""Seconds in which a living engine answers."""


def alive(folder: Path) -> str:
    """Why it is not; "" when it answers."""
    try:
        where = urlsplit(str(json.loads((folder / "engine.json").read_text(encoding="utf-8"))["url"]))
        token = (folder / "engine.token").read_text(encoding="ascii").strip()
    except (OSError, ValueError, KeyError):
        return f"no engine runs in {folder}"
    try:
        if where.scheme == "https":  # its certificate is not known here; that it takes a line has to do
            socket.create_connection((where.hostname or "", where.port or 443), PATIENCE).close()
            return ""
        line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        line.request("GET", "/status", headers={"Authorization": f"Bearer {token}", "Host": where.netloc})
        status = line.getresponse().status
        line.close()
    except (OSError, http.client.HTTPException) as failure:
        return f"the engine of {folder} does not answer ({failure})"
    return "" if status == http.client.OK else f"the engine of {folder} answers with {status}"


if __name__ == "__main__":
    why = alive(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
    if why:
        sys.stderr.write(f"{why}\n")
    sys.exit(1 if why else 0)

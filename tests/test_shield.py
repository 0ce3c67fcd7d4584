"""A program that holds secrets leaves no picture of its memory, and its children inherit no passphrase."""

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.secret import VARIABLE, Secret
from tests.support import ROOT

WORD = "cAnArY-99-word"


def said(code: str, *arguments: str) -> list[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), VARIABLE: "correct horse battery staple"}
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere only core files can be turned off")
def test_a_program_that_opened_a_login_leaves_no_core_file_and_nobody_looks_into_it(tmp_path: Path) -> None:
    code = (
        "import ctypes, resource, sys\n"
        "from pathlib import Path\n"
        "from pipeline.keys import logins_of, vault\n"
        "from pipeline.keys.keeping import keep\n"
        "from pipeline.secret import Login, Secret\n"
        "vault.Vault.__init__.__defaults__ = (vault.CHEAPEST,)\n"
        "dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"
        "print(dumpable())\n"
        "keep(Path(sys.argv[1]), 'demo-1', 'bank', 'vault', Login({}, {'token': Secret('a token')}))\n"
        "logins_of(Path(sys.argv[1])).of('demo-1')\n"
        "print(dumpable(), resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    assert said(code, str(tmp_path)) == ["1", "0 (0, 0)"]


def test_a_program_that_it_starts_does_not_inherit_the_passphrase() -> None:
    code = (
        "import os, subprocess, sys\n"
        "from pipeline.__main__ import main\n"
        f"print('{VARIABLE}' in os.environ)\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        f'inner = \'import os; print("child", "{VARIABLE}" in os.environ)\'\n'
        "sys.stdout.flush()\n"
        "subprocess.run([sys.executable, '-c', inner], check=True)\n"
    )
    lines = said(code)
    assert (lines[0], lines[-1]) == ("True", "child False")


def test_a_secret_shows_as_dots_wherever_it_is_printed_and_is_written_down_nowhere() -> None:
    secret = Secret(WORD)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>20}",
        str({"a": [secret]}),
    ]
    assert [text for text in shown if WORD in text] == []
    for write in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            write(secret)
    assert not vars(type(secret)).get("__dict__")

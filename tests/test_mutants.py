"""Small changes of the risk gate, one at a time: its tests notice them."""

import os
import subprocess
import sys

import pytest

from tests.support import ROOT


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each change is tried in a fork")
def test_of_small_changes_of_the_risk_gate_nine_in_ten_are_noticed() -> None:
    asked = ["-m", "bench.mutants", "--sample", "200", "--least", "0.9"]
    ended = subprocess.run([sys.executable, *asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr

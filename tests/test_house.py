"""What holds for the house as a whole: what is shipped, what is installed, what is registered."""

import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import operators
import sinks
import sources
from pipeline.parts import TABLES, Kind, Part, registered

ROOT = Path(__file__).resolve().parents[1]
PARTS = (operators, sinks, sources)
"""Imported for what they register."""

OURS = ("operators", "pipeline", "sinks", "sources", "tui")
LOCKS = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt", "requirements-campaign.txt")

# Written in pieces, or this file would be the first to break its own rule.
INDEX_HOST = re.compile(
    "|".join(["py" + r"pi\.(?:org|python\.org)", "python" + r"hosted\.org", "extra-" + "index-url"])
)
SOMEBODYS_FOLDER = re.compile(
    r"(?<![\w.])(?:/ho" + r"me/\w|/Us" + r"ers/\w|/ro" + r"ot/|/wo" + r"rk/|C:\\Us" + r"ers\\)"
)
PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==[\w.]+(?: ; [^\\]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+")


def shipped() -> dict[str, str]:
    """The text of every file under version control, and of those about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = (ROOT / name for name in listed.split("\0") if name)
    return {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8", errors="ignore")
        for file in files
        if file.is_file()
    }


@pytest.mark.parametrize("pattern", [INDEX_HOST, SOMEBODYS_FOLDER], ids=["a package index", "somebody's folder"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    named = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in shipped().items()
        for match in pattern.finditer(text)
    ]
    assert named == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_pins_with_hashes_and_nothing_else(lock: str) -> None:
    assert PINNED.sub("", (ROOT / lock).read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_all_that_is_asked_for(lock: str) -> None:
    asked = requirement_names((ROOT / lock).with_suffix(".in").read_text(encoding="utf-8").splitlines())
    locked = {match["name"] for match in PINNED.finditer((ROOT / lock).read_text(encoding="utf-8"))}
    assert asked <= locked


def test_locks_agree_on_what_they_share() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, pin in re.findall(r"^([a-z0-9-]+)(==\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE):
            versions.setdefault(name, set()).add(pin)
    assert {name: pins for name, pins in versions.items() if len(pins) > 1} == {}


def test_the_wheel_asks_for_what_we_test_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    assert requirement_names(project["dependencies"]) == requirement_names(ours)


def test_the_wheel_brings_every_package_the_program_imports() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert sorted(wheel["packages"]) == sorted(wheel["sources"]) == sorted(OURS)


def test_no_distribution_installs_a_package_of_our_name() -> None:
    assert {name: owners for name, owners in packages_distributions().items() if name in OURS} == {}


def every_part() -> list[Part]:
    kinds: tuple[Kind, ...] = tuple(TABLES)
    return [part for kind in kinds for part in registered(kind).values()]


@pytest.mark.parametrize("part", every_part(), ids=lambda part: f"{part.kind} {part.name}")
def test_a_parts_help_begins_with_a_sentence(part: Part) -> None:
    first = part.help.partition("\n\n")[0]
    assert re.fullmatch(r"[A-Z`].*[.:]", first, re.DOTALL), f"{part.cls.__module__}.{part.cls.__name__}"


def requirement_names(lines: list[str]) -> set[str]:
    """The distributions that requirement lines ask for."""
    found = (re.match(r"[A-Za-z0-9][\w.-]*", line) for line in lines)
    return {match[0].lower() for match in found if match}

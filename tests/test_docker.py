"""The image, as far as it can be judged without building one: who runs in it, what is copied, what it trusts."""

import json
import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath
from threading import Thread

import pytest

from pipeline.__main__ import main
from pipeline.operations.alive import alive
from tests.support import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = [
    line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
]


def instructions() -> list[tuple[str, str]]:
    lines = (line for line in TEXT.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#"))
    return [(word.upper(), " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in lines)]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def final() -> list[tuple[str, str]]:
    """What holds for the image that is run: after the last FROM."""
    told = instructions()
    last = max(place for place, (word, _) in enumerate(told) if word == "FROM")
    return told[last:]


def sent() -> set[str]:
    """The files under version control that go to the builder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.split("\0") if name and not passed_over(name)}


def passed_over(name: str) -> bool:
    """As the builder reads .dockerignore: the last line that fits counts, for a folder and all within."""
    found = False
    for line in IGNORED:
        pattern = line.removeprefix("!").removesuffix("/**")
        places = (name, *map(str, PurePosixPath(name).parents))
        if any(fnmatch(place, pattern) or fnmatch(f"/{place}", pattern.replace("**", "*")) for place in places):
            found = not line.startswith("!")
    return found


def test_every_stage_stands_on_a_pinned_python() -> None:
    for base in of("FROM"):
        assert re.fullmatch(r"python:3\.\d+(\.\d+)?-slim-[a-z]+( AS \w+)?", base), base


def test_whoever_runs_in_it_is_nobody_and_can_write_one_folder_only() -> None:
    last = final()
    assert ("USER", "10001:10001") in last
    users = [place for place, (word, _) in enumerate(last) if word == "USER"]
    starts = [place for place, (word, _) in enumerate(last) if word in ("ENTRYPOINT", "CMD")]
    assert max(users) < min(starts)
    assert [rest for word, rest in last if word == "VOLUME"] == ['["/flow"]']
    owned = [rest for word, rest in last if word == "COPY" and "--chown" in rest]
    assert owned == ["--from=build --chown=10001:10001 /flow /flow"]


def test_what_is_copied_is_there_and_goes_to_the_builder() -> None:
    files = sent()
    for copied in of("COPY"):
        if not copied.startswith("--from"):
            *sources, _ = copied.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert any(name == source or name.startswith(f"{source}/") for name in files), (
                    f"{source} is passed over"
                )


def test_nothing_goes_to_the_builder_that_it_does_not_need() -> None:
    tops = {PurePosixPath(name).parts[0] for name in sent()}
    ours = {"operators", "pipeline", "sinks", "sources", "tui"}
    assert tops == ours | {"requirements.txt", "requirements-build.txt", "flows.toml", "LICENSE"}
    for secret in ("data/ledger.db", "data/engine.token", ".env", "profiles/demo-1/profile.toml", "pipeline/x.token"):
        assert passed_over(secret), secret


def test_all_that_is_installed_is_held_against_its_hash_and_nothing_is_fetched_by_address() -> None:
    assert not of("ADD")
    assert not re.search(r"https?://|curl|wget|--(extra-)?index-url", "".join(f"{a} {b}\n" for a, b in instructions()))
    installs = re.findall(r"pip install ([^&]*)", " ".join(of("RUN")))
    assert installs
    assert all(each.startswith("--require-hashes") for each in installs)
    assert not re.search(r"(?i)(token|password|secret|api_key)\s*=", TEXT)


def test_what_it_starts_and_asks_are_lists_of_words_that_the_program_knows() -> None:
    entry = json.loads(of("ENTRYPOINT")[0])
    assert entry == ["python", "-m", "pipeline"]
    assert json.loads(of("CMD")[0])[0] == "run"
    with pytest.raises(SystemExit) as ended:
        main(["run", "--help"])
    assert ended.value.code == 0
    health = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])
    assert health == ["python", "-m", alive.__module__, "/flow/data"]


@contextmanager
def answering(status: int) -> Generator[int]:
    """A server on this machine that answers so."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/status" and self.headers["Authorization"] == "Bearer word"
            self.send_response(status if known else 401)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's word
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "says"), [(200, ""), (503, "answers with 503")])
def test_it_is_healthy_while_the_engine_answers(tmp_path: Path, status: int, says: str) -> None:
    assert "no engine runs" in alive(tmp_path)
    (tmp_path / "engine.token").write_text("word", encoding="ascii")
    with answering(status) as port:
        (tmp_path / "engine.json").write_text(json.dumps({"url": f"http://127.0.0.1:{port}"}), encoding="utf-8")
        assert says in alive(tmp_path)
        assert bool(says) == bool(alive(tmp_path))
    assert "does not answer" in alive(tmp_path)


def test_it_is_ended_as_a_run_is() -> None:
    assert ("STOPSIGNAL", "SIGTERM") in final()

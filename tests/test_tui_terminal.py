"""The console in a real terminal, attached to a desk in a process of its own."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.screens import run
from tui.console import console
from tui.pages import PAGES
from tui.settings import Settings, write_settings

ROOT = Path(__file__).resolve().parent.parent
TMUX = shutil.which("tmux")
FLOW = Path("flows.toml")
LEAVES = (
    "import sys; from pathlib import Path; from tui.console import console; "
    "folder = Path(sys.argv[1]); sys.exit(console(None, folder, folder))"
)
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "PYTHONPATH": str(ROOT),
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
}


class Terminal:
    """One tmux server of our own with one window, for a person whose settings are in a folder of theirs."""

    def __init__(self, name: str, settings: Path) -> None:
        self._name = name
        self._environment = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(settings)}

    async def tmux(self, *words: str) -> str:
        assert TMUX is not None
        made = await asyncio.create_subprocess_exec(
            TMUX, "-L", self._name, "-f", os.devnull, *words, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await made.communicate()
        return told.decode()

    async def shows(self, *texts: str, without: str = "\0") -> str:
        seen = ""
        try:
            async with asyncio.timeout(20):
                while not (all(text in seen for text in texts) and without not in seen):
                    await asyncio.sleep(0.05)
                    seen = await self.tmux("capture-pane", "-p")
        except TimeoutError:
            raise AssertionError(f"{texts} never on the terminal:\n{seen}") from None
        return seen

    async def types(self, *keys: str) -> None:
        await self.tmux("send-keys", *keys)


@asynccontextmanager
async def terminal(
    name: str, settings: Path, *command: str, size: tuple[int, int] = (120, 36), welcomed: bool = True
) -> AsyncGenerator[Terminal]:
    made = Terminal(name, settings)
    write_settings(settings / "moonlight" / "console.toml", Settings(welcomed=welcomed))
    await made.tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), *command)
    try:
        yield made
    finally:
        await made.tmux("kill-server")


async def engine(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sample_view", str(folder), cwd=ROOT, env=ENVIRONMENT
    )


async def ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed, and the console needs a real terminal here")
def test_in_a_terminal_it_is_typed_at_resized_loses_its_engine_gets_it_back_and_leaves(tmp_path: Path) -> None:
    """COLUMNS and LINES are set as shells and test runners do: they must not freeze the size."""

    async def main() -> None:
        serving = await engine(tmp_path)
        frozen = "env COLUMNS=80 LINES=24"
        command = f"{frozen} '{sys.executable}' -c '{LEAVES}' '{tmp_path}'; echo left with $?; exec cat"
        try:
            async with terminal(f"moonlight-{os.getpid()}", tmp_path, command) as at:
                await at.shows("1 Dash", "RUNNING")
                await at.types("2")
                seen = await at.shows("Keys 36/36", "candles", "heard")
                assert max(len(line) for line in seen.splitlines()) == 120
                await at.types("/eur live")
                await at.shows("Keys 3/36", "eur live", "EURUSD 1m · live-7")
                await at.types("Enter", "?")
                await at.shows("Everywhere")
                await at.types("Escape")
                await at.tmux("resize-window", "-x", "80", "-y", "24")
                seen = await at.shows("Keys 3/36", "EURUSD 1m · live-7", without="Everywhere")
                assert max(len(line) for line in seen.splitlines()) <= 80

                serving.send_signal(signal.SIGKILL)
                await serving.wait()
                await at.shows("LINK DOWN", "data is stale", "Keys 3/36")
                serving = await engine(tmp_path)
                await at.shows("⇄ link", "Keys 3/36", without="LINK DOWN")
                await at.types("q")
                await at.shows("left with 0")
                assert serving.returncode is None
        finally:
            await ended(serving)

    run(main())


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed, and the console needs a real terminal here")
@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 36), marks=pytest.mark.slow)])
def test_in_a_terminal_every_page_is_gone_to_by_its_key_and_the_first_start_has_three_steps(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def main() -> None:
        serving = await engine(tmp_path)
        command = f"'{sys.executable}' -c '{LEAVES}' '{tmp_path}'; echo left with $?; exec cat"
        try:
            async with terminal(f"moonlight-pages-{os.getpid()}", tmp_path, command, size=size, welcomed=False) as at:
                await at.shows("1 of 3", "What you look at")
                await at.types("Enter", "Enter")
                await at.shows("3 of 3", "kill switch")
                await at.types("Enter")
                for kind in PAGES:
                    await at.types("1" if kind.key == "comma" else ",")
                    await at.shows("1 Dash" if kind.key == "comma" else ", Settings", without=" Help ━")
                    if kind.key != "comma":
                        await at.types(kind.key)
                        seen = await at.shows(
                            f"{kind.key} {kind.title}", without=", Settings\n" if size[0] < 100 else "\0"
                        )
                        assert max(len(line) for line in seen.splitlines()) <= size[0]
                await at.types("C-g")
                await at.shows("KILL", "type kill")
                await at.types("Escape")
                await at.shows("RUNNING", without="type kill")
                await at.types("q")
                await at.shows("left with 0")
        finally:
            await ended(serving)

    run(main())


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed, and the console needs a real terminal here")
def test_a_flow_that_ends_under_its_console_gives_the_terminal_back_and_says_what_it_did(tmp_path: Path) -> None:
    async def main() -> None:
        flow = tmp_path / "flows.toml"
        shutil.copy(ROOT / "flows.toml", flow)
        run_it = tmp_path / "run.sh"
        run_it.write_text(f"echo $$ > '{tmp_path}/pid'; exec '{sys.executable}' -m pipeline run --console '{flow}'")
        async with terminal(
            f"moonlight-end-{os.getpid()}", tmp_path, f"sh '{run_it}'; echo ended with $?; exec cat"
        ) as at:
            await at.shows("Accounts 4", "RUNNING")
            await at.types("?")
            await at.shows("Everywhere")
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
            seen = await at.shows("ended at market time", "nothing was lost without a name", "ended with 0")
            assert "Accounts" not in seen
            assert "the flow goes on" not in seen

    run(main())


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed, and the console needs a real terminal here")
def test_a_terminal_that_cannot_move_its_cursor_is_told_in_lines(tmp_path: Path) -> None:
    command = f"env TERM=dumb '{sys.executable}' -c '{LEAVES}' '{tmp_path}'; echo left with $?; exec cat"

    async def main() -> None:
        async with terminal(f"moonlight-dumb-{os.getpid()}", tmp_path, command) as at:
            await at.shows("no engine is running", "left with 3", without="1 Dash")

    run(main())


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed, and the console needs a real terminal here")
def test_a_console_that_is_stopped_and_goes_on_or_is_hung_up_leaves_the_screen_and_the_terminal_whole(
    tmp_path: Path,
) -> None:
    run_it = tmp_path / "run.sh"
    run_it.write_text(f"echo $$ > '{tmp_path}/pid'; exec '{sys.executable}' -c '{LEAVES}' '{tmp_path}'")
    stty = "stty -a | cksum >"
    before, after, now = (f"'{tmp_path}/{name}'" for name in ("before", "after", "now"))
    command = f"echo begun; {stty} {before}; sh '{run_it}'; echo left with $?; {stty} {now}; mv {now} {after}; exec cat"

    async def main() -> None:
        async with terminal(f"moonlight-stop-{os.getpid()}", tmp_path, command) as at:
            whole = ("1 Dash", "no engine is running", "^g KILL")
            await at.shows(*whole)
            console = int((tmp_path / "pid").read_text())
            await at.types("C-z")
            await at.shows("begun", without="1 Dash")
            os.kill(console, signal.SIGCONT)
            await at.shows(*whole)
            os.kill(console, signal.SIGSTOP)
            os.kill(console, signal.SIGCONT)
            await at.types("?")
            await at.shows("Everywhere")
            os.kill(console, signal.SIGHUP)
            await at.shows("left with 0", without="1 Dash")
            async with asyncio.timeout(10):
                while not (tmp_path / "after").exists():  # noqa: ASYNC110  # the shell writes it
                    await asyncio.sleep(0.05)
            assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()

    run(main())


def test_served_to_a_browser_it_is_painted_and_only_looks(tmp_path: Path) -> None:
    async def main() -> None:
        served = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": "100", "ROWS": "30"}
        write_settings(tmp_path / "moonlight" / "console.toml", Settings(welcomed=True))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", LEAVES, str(tmp_path)),
            env={**ENVIRONMENT, **served, "XDG_CONFIG_HOME": str(tmp_path)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None

        async def until(words: bytes) -> None:
            seen = b""
            async with asyncio.timeout(20):
                while words not in seen:
                    assert process.stdout is not None
                    seen += await process.stdout.read(1 << 16)

        try:
            await until(b"no engine is running")
            process.stdin.write(b"D\0\0\0\1\x19")
            await until(b"only looks")
            process.stdin.write(b'M\0\0\0\x10{"type": "quit"}')
            assert await process.wait() == 0
        finally:
            await ended(process)

    run(main())


def test_without_a_terminal_the_status_comes_as_lines_and_a_picture_as_svg(tmp_path: Path) -> None:
    async def main() -> None:
        serving = await engine(tmp_path)
        picture = tmp_path / "console.svg"
        try:
            async with asyncio.timeout(20):
                while not (tmp_path / "engine.json").exists():  # noqa: ASYNC110  # another process writes it
                    await asyncio.sleep(0.05)
            made = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", LEAVES, str(tmp_path)), env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE
            )
            told, _ = await made.communicate()
            assert "523 sent, 3 open, 520 settled, 0 rejected, 1 unknown" in told.decode()
            assert "live-7 (real): 1204.10 USD, day +4.10; ARMED until 2026-01-05T14:31:07" in told.decode()
            assert made.returncode == 0
            assert await asyncio.to_thread(console, None, tmp_path, FLOW, screenshot=picture, page="keys") == 0
        finally:
            await ended(serving)
        assert "EURUSD" in picture.read_text("utf-8")

    run(main())


def test_without_a_terminal_and_without_an_engine_it_says_so_and_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console(None, tmp_path, FLOW) == 3
    assert console("http://127.0.0.1:9", tmp_path, FLOW) == 3
    assert console("http://127.0.0.1:99999", tmp_path, FLOW) == 2
    assert console(None, tmp_path, FLOW, screenshot=tmp_path / "x.svg") == 3
    said = capsys.readouterr().err
    assert "start one with `run`" in said
    assert "'http://127.0.0.1:99999' is no address" in said

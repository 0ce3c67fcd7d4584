"""A flow as a service of Windows: what its manager is asked, and what a stop from there does.

The manager starts `service host`, which is a `run` on its main thread; beside it a thread listens to the manager. A
stop from there interrupts the main thread, just as Ctrl-C does, so the run leaves as it always does.
"""

import _thread
import signal
import threading
from collections.abc import Callable
from typing import Literal, Protocol

from pipeline.errors import InputError, MoonlightError
from pipeline.operations.described import Service
from pipeline.operations.systemd import Fares

State = Literal["START_PENDING", "RUNNING", "STOP_PENDING", "STOPPED"]


class Manager(Protocol):
    """As much of the service manager of Windows as is asked."""

    def found(self, name: str) -> str | None:
        """The command line of a service; None when there is none of that name."""
        ...

    def create(self, name: str, shown: str, about: str, command: str) -> None:
        """A service that begins with the machine and is started anew when it fails."""
        ...

    def change(self, name: str, command: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def start(self, name: str) -> None: ...
    def stop(self, name: str, within: int) -> None: ...
    def state(self, name: str) -> tuple[str, int]:
        """How it stands, and the number of its process (0: none)."""
        ...


class Line(Protocol):
    """The line between a service that runs and the manager that started it."""

    def listen(self, name: str, stop: Callable[[], None]) -> None:
        """Take what the manager says, on a thread of its own, until the service has ended."""
        ...

    def say(self, state: State, code: int = 0, wait: int = 0) -> None:
        """How it stands; `wait`: seconds until it says more."""
        ...

    def log(self, text: str, *, bad: bool = False) -> None:
        """A line of the event log."""
        ...


class Windows:
    """Installs, starts and stops through the manager."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def install(self, service: Service) -> bool:
        """Have it begin with the machine; whether that is new or another than before."""
        command = command_of(service)
        there = self._ours(service)
        if there is None:
            about = f"Runs {service.flow}. Written by `service install`."
            self._manager.create(service.name, f"Moonlight: {service.name}", about, command)
        elif there != command:
            self._manager.change(service.name, command)
        return there != command

    def uninstall(self, service: Service) -> bool:
        """End it and take it away; whether it was there. What it kept stays."""
        if self._ours(service) is None:
            return False
        if self._manager.state(service.name)[0] != "STOPPED":
            self._manager.stop(service.name, service.leaves_within)
        self._manager.remove(service.name)
        return True

    def start(self, name: str) -> None:
        self._manager.start(name)

    def stop(self, name: str, within: int) -> None:
        self._manager.stop(name, within)

    def fares(self, name: str) -> Fares:
        if self._manager.found(name) is None:
            return Fares(name, False, False, "not installed", 0, 0, "", "", "")
        state, pid = self._manager.state(name)
        return Fares(name, True, state == "RUNNING", state.lower().replace("_", " "), pid, 0, "", "", "")

    def _ours(self, service: Service) -> str | None:
        """The command of one that is ours and of this flow; a foreign one is refused."""
        there = self._manager.found(service.name)
        if there is not None and not (f'"{service.flow}"' in there and " service host " in there):
            raise InputError(f"there is a service {service.name} that runs {there}; choose another --name")
        return there


def command_of(service: Service) -> str:
    """What the manager starts."""
    words = service.line("service", "host", str(service.flow), "--name", service.name)
    return " ".join(f'"{each}"' if set(each) & set(' \t/\\"') else each for each in words)


def hosted(name: str, line: Line, leaves_within: int, run: Callable[[], int]) -> int:
    """Run as a service: `run` on this thread, which is the main one, and the manager's line beside it."""
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            line.say("STOP_PENDING", wait=leaves_within)
            _thread.interrupt_main(signal.SIGINT)

    def listen() -> None:
        try:
            line.listen(name, stop)
        except Exception as failure:  # noqa: BLE001  # whatever it is: nobody could stop this service any more
            line.log(f"{name}: the line to the service manager failed ({failure}); it ends", bad=True)
            stop()

    threading.Thread(target=listen, name="service", daemon=True).start()
    line.say("RUNNING")
    line.log(f"{name} has begun")
    code = 1
    try:
        code = run()
    except MoonlightError as failure:
        code = failure.exit_code
        line.log(f"{name}: {failure}", bad=True)
    except KeyboardInterrupt:  # the stop came before the run could take it
        code = 0
    finally:
        line.log(f"{name} has ended with the exit code {code}", bad=code != 0)
        line.say("STOPPED", code=code)
    return code

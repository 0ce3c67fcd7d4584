"""The real service manager of Windows, by pywin32: nothing here is imported anywhere else.

It is as thin as it can be; what it does is decided in `windows.py`.
"""

import threading
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from pipeline.errors import InputError, MoonlightError
from pipeline.operations.windows import State

OWN_PROCESS, AUTO_START, NORMAL_ERROR = 0x10, 2, 1
ALL_ACCESS, CONNECT, CREATE = 0xF01FF, 1, 2
CHANGE_DESCRIPTION, CHANGE_FAILURE = 1, 2
RESTART = 1
KEEP = 0xFFFFFFFF
NO_SUCH_SERVICE = 1060
STOP, SHUTDOWN, PRESHUTDOWN, INTERROGATE = 1, 5, 15, 4
ACCEPTED = 1 | 4
STATES = {1: "STOPPED", 2: "START_PENDING", 3: "STOP_PENDING", 4: "RUNNING"}
NUMBERS: dict[State, int] = {"STOPPED": 1, "START_PENDING": 2, "STOP_PENDING": 3, "RUNNING": 4}
OF_THE_SERVICE = 1066
"""The exit code that says: the service's own code tells more."""
FIVE_SECONDS, A_DAY = 5_000, 86_400


def pywin32(name: str) -> ModuleType:
    """A module of pywin32, or a sentence on how to have it."""
    try:
        return import_module(name)
    except ImportError:
        mend = "install the package pywin32 as administrator, then ask again"
        raise InputError(f"services of Windows need pywin32, which is not there; {mend}") from None


class Win32Manager:
    """The manager of this machine."""

    def __init__(self) -> None:
        self._api: Any = pywin32("win32service")
        self._errors: Any = pywin32("pywintypes")

    def found(self, name: str) -> str | None:
        try:
            return str(self._with(name, self._api.QueryServiceConfig)[3])
        except MoonlightError as failure:
            if getattr(failure.__cause__, "winerror", 0) == NO_SUCH_SERVICE:
                return None
            raise

    def create(self, name: str, shown: str, about: str, command: str) -> None:
        def make(manager: Any) -> None:
            made = self._api.CreateService(
                manager,
                name,
                shown,
                ALL_ACCESS,
                OWN_PROCESS,
                AUTO_START,
                NORMAL_ERROR,
                command,
                None,
                0,
                None,
                None,
                None,
            )
            self._api.ChangeServiceConfig2(made, CHANGE_DESCRIPTION, about)
            again = {"ResetPeriod": A_DAY, "RebootMsg": "", "Command": "", "Actions": [(RESTART, FIVE_SECONDS)] * 3}
            self._api.ChangeServiceConfig2(made, CHANGE_FAILURE, again)
            self._api.CloseServiceHandle(made)

        self._managed(make, CONNECT | CREATE)

    def change(self, name: str, command: str) -> None:
        self._with(
            name,
            lambda service: self._api.ChangeServiceConfig(
                service, KEEP, KEEP, KEEP, command, None, 0, None, None, None, None
            ),
        )

    def remove(self, name: str) -> None:
        self._with(name, self._api.DeleteService)

    def start(self, name: str) -> None:
        self._with(name, lambda service: self._api.StartService(service, None))

    def stop(self, name: str, within: int) -> None:
        util: Any = pywin32("win32serviceutil")
        self._told(lambda: util.StopServiceWithDeps(name, waitSecs=within))

    def state(self, name: str) -> tuple[str, int]:
        status = self._with(name, self._api.QueryServiceStatusEx)
        return STATES.get(int(status["CurrentState"]), "UNKNOWN"), int(status["ProcessId"])

    def _with(self, name: str, do: Callable[[Any], Any]) -> Any:
        def opened(manager: Any) -> Any:
            service = self._api.OpenService(manager, name, ALL_ACCESS)
            try:
                return do(service)
            finally:
                self._api.CloseServiceHandle(service)

        return self._managed(opened, CONNECT)

    def _managed(self, do: Callable[[Any], Any], rights: int) -> Any:
        def opened() -> Any:
            manager = self._api.OpenSCManager(None, None, rights)
            try:
                return do(manager)
            finally:
                self._api.CloseServiceHandle(manager)

        return self._told(opened)

    def _told(self, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except self._errors.error as failure:
            mend = "run this as administrator" if failure.winerror == 5 else "mend that, and ask again"  # access denied
            raise MoonlightError(f"Windows says: {failure.strerror} ({failure.funcname}); {mend}") from failure


class Win32Line:
    """The line of a service process to the manager."""

    def __init__(self) -> None:
        self._api: Any = pywin32("win32service")
        self._host: Any = pywin32("servicemanager")
        self._handle: Any = None
        self._ended = threading.Event()
        self._begun = threading.Event()

    def listen(self, name: str, stop: Callable[[], None]) -> None:
        line = self

        class Hosted:
            """What the dispatcher makes for the service."""

            def __init__(self, _: Any) -> None:
                def control(number: int, kind: int, facts: Any) -> int:
                    del kind, facts
                    if number in (STOP, SHUTDOWN, PRESHUTDOWN):
                        stop()
                    return 0

                line._handle = line._host.RegisterServiceCtrlHandler(name, control, True)

            def SvcRun(self) -> None:  # noqa: N802  # the dispatcher calls it so
                line._begun.set()
                line._ended.wait()

        self._host.Initialize(name, None)
        self._host.PrepareToHostSingle(Hosted)
        self._host.StartServiceCtrlDispatcher()

    def say(self, state: State, code: int = 0, wait: int = 0) -> None:
        self._begun.wait(FIVE_SECONDS / 1000)
        number = NUMBERS[state]
        facts = (OWN_PROCESS, number, ACCEPTED if state == "RUNNING" else 0, OF_THE_SERVICE if code else 0, code)
        if self._handle is not None:
            self._api.SetServiceStatus(self._handle, (*facts, 1 if wait else 0, wait * 1000))
        if state == "STOPPED":
            self._ended.set()

    def log(self, text: str, *, bad: bool = False) -> None:
        (self._host.LogErrorMsg if bad else self._host.LogInfoMsg)(text)

"""Run a flow as a service of this machine: it begins with it, is watched, and is started anew when it fails.

examples:
  python -m pipeline service install --print
  python -m pipeline service install flows.toml --now --backup daily
  python -m pipeline service status
  python -m pipeline service logs --follow
  sudo python -m pipeline service install flows.toml --system --as trader

On Linux it is a unit of systemd, of this user's or (with --system) of the machine's; on Windows a service. It is `run`
itself that is started, closed in as far as the system can: docs/operations.md says how. `uninstall` leaves all that
the flow kept. On macOS there is none: have launchd start `run`.
"""

import argparse
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import InputError
from pipeline.operations.described import Service, service_of
from pipeline.operations.hosting import LOG_FILE, hosting, last_lines
from pipeline.operations.systemd import Fares, Systemd, lingers, namespaces_allowed
from pipeline.plan import Plan
from pipeline.verbs.common import flow_option, json_option, say_json, whoami
from pipeline.verbs.planned import plan_of

LINES = 50
OFTEN = ("hourly", "daily", "weekly")
ABOUT = {
    "install": "have it begin with the machine",
    "uninstall": "end it and take it away; what the flow kept stays",
    "start": "start it",
    "stop": "have it end: what is on its way is waited for",
    "restart": "end it and start it",
    "status": "how it fares; exit code 1 when it does not run",
    "logs": "what it has said",
}


def options(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_subparsers(dest="ask", metavar="WHAT", required=True)
    for name, about in ABOUT.items():
        of_one = asked.add_parser(name, help=about, description=about)
        flow_option(of_one)
        whose = of_one.add_mutually_exclusive_group()
        whose.add_argument("--user", dest="system", action="store_false", help="a service of this user (the usual)")
        whose.add_argument("--system", action="store_true", help="of the whole machine; ask as root")
        of_one.add_argument("--name", default="", help="what it is called (moonlight-FLOW)")
        of_one.set_defaults(system=False)
        if name == "install":
            _installing(of_one)
        if name == "logs":
            of_one.add_argument("--lines", type=int, default=LINES, metavar="N", help=f"so many of the last ({LINES})")
            of_one.add_argument("-f", "--follow", action="store_true", help="and those that come")
        if name == "status":
            json_option(of_one)
    host = asked.add_parser("host", description="what Windows starts; not for people")
    flow_option(host)
    host.add_argument("--name", required=True)
    host.set_defaults(system=False)


def _installing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--print", dest="shown", action="store_true", help="only show what would be written")
    parser.add_argument("--now", action="store_true", help="start it, too")
    parser.add_argument("--as", dest="runs_as", default="", metavar="USER", help="as whom a --system service runs")
    parser.add_argument("--editable", action="store_true", help="let the control API change the flow file")
    parser.add_argument("--passphrase", type=Path, metavar="FILE", help="give the vault's passphrase from this file")
    parser.add_argument("--backup", choices=OFTEN, default="", help="copy the ledger so often; the last 14 stay")


def run(options: argparse.Namespace) -> int:
    system = platform.system()
    if system == "Darwin":
        raise InputError("there is no `service` on macOS; have launchd start `run` (docs/operations.md shows how)")
    if options.ask == "host":
        return _host(options)
    plan = plan_of(options)
    return _on_windows(options, plan) if system == "Windows" else _on_linux(options, plan)


# --- Linux -----------------------------------------------------------------------------------------------------------


def _on_linux(options: argparse.Namespace, plan: Plan) -> int:
    if options.ask == "install":
        return _install(options, plan)
    service = service_of(plan, options.name)
    systemd = Systemd(system=options.system)
    match options.ask:
        case "uninstall":
            gone = systemd.uninstall(service)
            print("\n".join(f"removed {path}" for path in gone) or f"there is no service {service.name}")
            print(f"what the flow kept stays in {service.data}")
        case "start" | "stop" | "restart":
            getattr(systemd, options.ask)(service.name)
            print(_told(systemd.fares(service.name)))
        case "status":
            return _status(systemd.fares(service.name), as_json=options.json)
        case _:
            return systemd.logs(service.name, options.lines, follow=options.follow)
    return 0


def _install(options: argparse.Namespace, plan: Plan) -> int:
    if options.passphrase is not None and not options.passphrase.is_file():
        raise InputError(f"--passphrase {options.passphrase} is no file; write the passphrase into one of mode 600")
    service = service_of(
        plan, options.name, editable=options.editable, passphrase=options.passphrase, backups=options.backup
    )
    runs_as = _runs_as(options, plan)
    systemd = Systemd(system=options.system, runs_as=runs_as)
    if options.shown:
        print("\n".join(f"# --- {name}\n{text}" for name, text in systemd.units(service).items()).rstrip())
        return 0
    _made((plan.folder, plan.folder / plan.logs.folder), runs_as)
    changed = systemd.install(service)
    print("\n".join(f"wrote {path}" for path in changed) or f"{service.name} is installed already, as it is now")
    for remark in _remarks(service, runs_as):
        print(remark)
    if options.now:
        systemd.start(service.name)
    fares = systemd.fares(service.name)
    if changed and fares.runs and not options.now:
        print("it runs as it was before; `service restart` has it run as it is written now")
    print(_told(fares))
    return 0


def _runs_as(options: argparse.Namespace, plan: Plan) -> str:
    """As whom a service of the system runs; "" one of a user."""
    if not options.system:
        if options.runs_as:
            raise InputError("--as is for a service of the machine; add --system, or leave it out")
        return ""
    if options.runs_as:
        if not options.shown and not _known(options.runs_as):
            raise InputError(f"--as {options.runs_as}: this system knows no such user; name one that it knows")
        return str(options.runs_as)
    owner = plan.base.resolve().owner()
    if owner == "root":
        raise InputError(
            f"{plan.base.resolve()} belongs to root, and an engine need not be root; name a user with --as"
        )
    return owner


def _known(user: str) -> bool:
    import pwd  # noqa: PLC0415  # there is no such thing on Windows

    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


def _made(folders: Iterable[Path], runs_as: str) -> None:
    """Folders that a unit may write have to be there when it starts, and belong to whom it runs as."""
    for folder in folders:
        if folder.exists():
            continue
        folder.mkdir(parents=True, mode=0o700)
        if runs_as and os.geteuid() == 0:
            shutil.chown(folder, user=runs_as)


def _remarks(service: Service, runs_as: str) -> list[str]:
    """What whoever installs it should know."""
    found: list[str] = []
    if not runs_as:
        user = whoami()
        if not lingers(user):
            found.append(
                f"it ends when you log out; `sudo loginctl enable-linger {user}` has it go on, and begin at boot"
            )
        if not namespaces_allowed():
            found.append("this system closes its files for units of the system only; --system has more protection")
    if service.passphrase is not None and service.passphrase.stat().st_mode & 0o077:
        found.append(f"others can read {service.passphrase}; close it with `chmod 600 {service.passphrase}`")
    return found


def _status(fares: Fares, *, as_json: bool) -> int:
    if as_json:
        say_json(fares._asdict())
    else:
        print(_told(fares))
    return 0 if fares.runs else 1


def _told(fares: Fares) -> str:
    if not fares.installed:
        return f"{fares.name} is not installed; `service install` does that"
    facts = [f"{fares.name}: {fares.words}"]
    facts += [f"process {fares.pid}"] if fares.pid else []
    facts += [f"since {fares.since}"] if fares.runs and fares.since else []
    facts += [f"started anew {fares.restarts} times"] if fares.restarts else []
    facts += [f"it ended with {fares.result}"] if fares.result not in ("", "success") else []
    facts += [fares.says] if fares.says else []
    return " · ".join(facts)


# --- Windows ---------------------------------------------------------------------------------------------------------


def _on_windows(options: argparse.Namespace, plan: Plan) -> int:
    from pipeline.operations.win32 import Win32Manager  # noqa: PLC0415  # there is no such thing elsewhere
    from pipeline.operations.windows import Windows, command_of  # noqa: PLC0415

    service = service_of(plan, options.name)
    if options.ask == "install" and options.shown:
        print(command_of(service))
        return 0
    if options.ask == "logs":
        print("\n".join(last_lines(service.data / LOG_FILE, options.lines)))
        return 0
    windows = Windows(Win32Manager())
    match options.ask:
        case "install":
            if options.passphrase is not None or options.backup:
                raise InputError("--passphrase and --backup are for systemd; use a keyring, and the Task Scheduler")
            print(f"installed {service.name}" if windows.install(service) else f"{service.name} is installed already")
            if options.now:
                windows.start(service.name)
        case "uninstall":
            there = windows.uninstall(service)
            print(f"removed {service.name}" if there else f"there is no service {service.name}")
            return 0
        case "stop":
            windows.stop(service.name, service.leaves_within)
        case "start":
            windows.start(service.name)
        case "restart":
            windows.stop(service.name, service.leaves_within)
            windows.start(service.name)
        case _:
            return _status(windows.fares(service.name), as_json=options.json)
    print(_told(windows.fares(service.name)))
    return 0


def _host(options: argparse.Namespace) -> int:
    from pipeline.operations.win32 import Win32Line  # noqa: PLC0415  # there is no such thing elsewhere
    from pipeline.verbs import run as running  # noqa: PLC0415  # a screen's worth of libraries

    asked = argparse.ArgumentParser()
    running.options(asked)
    return hosting(
        plan_of(options), options.name, Win32Line(), lambda: running.run(asked.parse_args([str(options.flow)]))
    )

"""The systemd units of a service: the engine, and the timer that copies its ledger."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.operations.described import Service

MARK = "# Written by `service install` for "
"""How a unit of ours begins; the flow's path follows."""
BEATS_WITHIN = 30
"""Seconds without a beat after which an engine that hangs is ended and started anew."""
RESTARTS, RESTARTS_WITHIN = 8, 600
"""More failed starts than these in so many seconds end it; the engine itself trades no more from the fifth on."""
FAMILIES = "AF_UNIX AF_INET AF_INET6 AF_NETLINK"
"""What it speaks: sockets of this machine, the network, and the system's list of network interfaces."""

SANDBOX = (
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "PrivateUsers=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    f"RestrictAddressFamilies={FAMILIES}",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
)
"""What holds for a unit of a user too."""
OF_THE_SYSTEM = (
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectProc=invisible",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
)
"""What only the system's own manager can take away."""
SHARED = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # they are only looked for
"""What a unit has of its own by `PrivateTmp`: a flow that lies there would not be seen any more."""
OF_NAMESPACES = (
    "ProtectSystem",
    "ProtectHome",
    "PrivateTmp",
    "PrivateUsers",
    "ProtectKernelTunables",
    "ProtectControl",
)
"""What a user's manager can do only where users may make namespaces of their own."""


def units_of(service: Service, *, runs_as: str = "", namespaces: bool = True) -> dict[str, str]:
    """The text of each unit by its name. With `runs_as` it is one of the system, of that user; else of a user."""
    sandbox = [*_sandbox(service, system=bool(runs_as), namespaces=namespaces)]
    found = {f"{service.name}.service": _engine(service, runs_as, sandbox)}
    if service.backups:
        found[f"{service.name}-backup.service"] = _copy(service, runs_as, sandbox)
        found[f"{service.name}-backup.timer"] = _timer(service)
    return found


def _engine(service: Service, runs_as: str, sandbox: list[str]) -> str:
    after = "network-online.target time-sync.target"
    unit = (
        f"Description=Moonlight: {_plain(service.name)} ({_plain(str(service.flow))})",
        *((f"After={after}", "Wants=network-online.target") if runs_as else ()),
        f"StartLimitIntervalSec={RESTARTS_WITHIN}",
        f"StartLimitBurst={RESTARTS}",
    )
    lines = (
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={_words(service.line('run', str(service.flow)))}",
        *_place(service, runs_as),
        "TimeoutStartSec=15min",
        f"TimeoutStopSec={service.leaves_within}",
        f"WatchdogSec={BEATS_WITHIN}",
        "KillSignal=SIGTERM",
        "KillMode=mixed",
        "Restart=on-failure",
        "RestartSec=5",
        "RestartPreventExitStatus=2",
        *sandbox,
    )
    return _text(service, unit, lines, "multi-user.target" if runs_as else "default.target")


def _copy(service: Service, runs_as: str, sandbox: list[str]) -> str:
    unit = (f"Description=Moonlight: a copy of the ledger of {_plain(service.name)}",)
    words = service.line("backup", str(service.flow), "--keep", str(service.kept))
    return _text(service, unit, ("Type=oneshot", f"ExecStart={_words(words)}", *_place(service, runs_as), *sandbox))


def _timer(service: Service) -> str:
    unit = (f"Description=Moonlight: copies of the ledger of {_plain(service.name)}, {service.backups}",)
    when = (f"OnCalendar={service.backups}", "RandomizedDelaySec=10min", "Persistent=yes")
    return _sections(service, ("Unit", unit), ("Timer", when), ("Install", ("WantedBy=timers.target",)))


def _place(service: Service, runs_as: str) -> Iterator[str]:
    """Where it runs, as whom, and what it leaves on the disk."""
    if runs_as:
        yield f"User={runs_as}"
    yield f"WorkingDirectory={_plain(str(service.folder))}"
    yield "Environment=PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1"
    if service.passphrase is not None:
        kind = "LoadCredentialEncrypted" if service.passphrase.suffix == ".cred" else "LoadCredential"
        yield f"{kind}=moonlight-vault:{_plain(str(service.passphrase))}"
    yield "UMask=0077"
    yield "LimitCORE=0"


def _sandbox(service: Service, *, system: bool, namespaces: bool) -> Iterator[str]:
    if not system and not namespaces:
        yield "# users of this system may make no namespaces, so a unit of theirs cannot close the file system"
        yield from (each for each in SANDBOX if not each.startswith(OF_NAMESPACES))
        return
    places = (service.flow, service.data, service.folder)
    lies_there = any(place.is_relative_to(shared) for place in places for shared in SHARED)
    yield from (each for each in SANDBOX if not (lies_there and each.startswith("PrivateTmp")))
    yield from OF_THE_SYSTEM if system else ()
    yield f"ReadWritePaths={' '.join(_word(f'-{path}') for path in service.writable)}"


def _text(service: Service, unit: tuple[str, ...], lines: tuple[str, ...], wanted_by: str = "") -> str:
    install = (("Install", (f"WantedBy={wanted_by}",)),) if wanted_by else ()
    return _sections(service, ("Unit", unit), ("Service", lines), *install)


def _sections(service: Service, *sections: tuple[str, tuple[str, ...]]) -> str:
    told = (f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections)
    return (
        f"{marked(service.flow)}\n# `service uninstall` takes it away; what you change belongs into a drop-in.\n\n"
        + ("\n".join(told))
    )


def marked(flow: Path) -> str:
    """The first line of each unit of a flow's service."""
    return f"{MARK}{flow}"


def _words(words: tuple[str, ...]) -> str:
    """A command line: each word as it is, whatever letters it has."""
    return " ".join(_word(each.replace("$", "$$")) for each in words)


def _word(text: str) -> str:
    escaped = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return escaped if escaped and not set(escaped) & set(" \t'\"\\;") else f'"{escaped}"'


def _plain(text: str) -> str:
    """Text in which systemd finds nothing to fill in."""
    return text.replace("%", "%%")

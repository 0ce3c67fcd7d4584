"""Which records are kept: a level for all, and others for some modules; the longest name counts."""

from collections.abc import Mapping

from pipeline.errors import InputError
from pipeline.logs.records import GRAVITY, LogLevel
from pipeline.logs.settings import check_module

REMEMBERED = 1_000
"""Modules whose level is known by heart."""


class Levels:
    """Can be changed at any moment, and asked from any thread."""

    def __init__(self, level: LogLevel, modules: Mapping[str, LogLevel]) -> None:
        self._rules: dict[str, LogLevel] = {}
        self._known: dict[str, int] = {}
        self.begin_anew(level, modules)

    def begin_anew(self, level: LogLevel, modules: Mapping[str, LogLevel]) -> None:
        """Forget what was set meanwhile."""
        self._rules, self._known = {"": level, **modules}, {}

    def keep(self, level: LogLevel, module: str) -> bool:
        """Whether what is said at a level by a module is kept."""
        known = self._known.get(module)
        return GRAVITY[level] >= (self._look_up(module) if known is None else known)

    def check(self, module: str, level: LogLevel | None) -> None:
        """`InputError` for a name or a level that is none."""
        try:
            check_module(module or "engine")
        except ValueError as wrong:
            raise InputError(str(wrong)) from None
        if level is not None and level not in GRAVITY:
            raise InputError(f"{level!r} is not a level; use one of {', '.join(GRAVITY)}")

    def set(self, module: str, level: LogLevel | None) -> None:
        """From now on; "" is for all that have no level of their own, and None takes a module's own away."""
        self.check(module, level)
        if level is not None:
            self._rules = {**self._rules, module: level}
        elif module:
            self._rules = {name: each for name, each in self._rules.items() if name != module}
        self._known = {}

    @property
    def rules(self) -> Mapping[str, LogLevel]:
        """By module; "" for all others."""
        return self._rules

    def least(self, module: str) -> LogLevel:
        """The lowest level that is kept of a module or of anything below it."""
        below = {level for name, level in self._rules.items() if name.startswith(f"{module}.")}
        return next(level for level in GRAVITY if level == self.of(module) or level in below)

    def of(self, module: str) -> LogLevel:
        """The level of the longest name that the module has, or is below."""
        rules, name = self._rules, module
        while name and name not in rules:
            name = name.rpartition(".")[0]
        return rules[name]

    def _look_up(self, module: str) -> int:
        known = self._known
        if len(known) >= REMEMBERED:
            known.clear()
        known[module] = found = GRAVITY[self.of(module)]
        return found

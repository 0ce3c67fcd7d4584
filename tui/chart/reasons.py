"""Why bars were decided as they were: asked of the engine one at a time, and kept for who comes back to them."""

from collections import OrderedDict

from pipeline.told.reasons import Why
from pipeline.view import KeyName
from tui.asking import Answer
from tui.shell import Shell

KEPT = 200
AGAIN = 5.0
"""Seconds after which a question that was not answered is asked once more."""


class Reasons:
    """The answers by key and bar. One that may still change, as its contract runs, is asked for again."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._answers: OrderedDict[tuple[KeyName, int], Answer[Why]] = OrderedDict()

    def of(self, name: KeyName, bar: int) -> Answer[Why] | None:
        return self._answers.get((name, bar))

    def newest(self, name: KeyName) -> int:
        """The newest bar of a key that was answered; 0 for none."""
        answered = (bar for (whose, bar), answer in self._answers.items() if whose == name and answer.value is not None)
        return max(answered, default=0)

    def put(self, name: KeyName, bar: int, why: Why) -> None:
        self._answers[(name, bar)] = Answer(why, at=self._shell.now(), version=1)

    def wants(self, name: KeyName, bar: int) -> bool:
        """Whether it is to be asked for: it never was, or was not answered, or its contract was open."""
        answer = self.of(name, bar)
        if answer is None:
            return True
        if answer.asking:
            return False
        unsure = answer.value is None or (answer.value.order is not None and not answer.value.order.result)
        return unsure and self._shell.now() - answer.at >= AGAIN

    async def ask(self, name: KeyName, bar: int) -> None:
        """Ask for one, and forget the oldest where there are many."""
        answer = self._answers.setdefault((name, bar), Answer())
        self._answers.move_to_end((name, bar))
        while len(self._answers) > KEPT:
            self._answers.popitem(last=False)
        engine = self._shell.engine
        await answer.ask(
            lambda: engine.get("/why", Why, account=name.account, product=name.product, tf=name.timeframe, bar_ms=bar),
            self._shell.now,
        )
        answer.at = self._shell.now()

"""The accounts of the practice venue, who owns them, and what opens them."""

import hmac
from collections.abc import Iterable, Mapping

from pipeline.broker.values import Purse

WORD = "practice-"
"""Before a user's name it is their password and their token: everybody knows it, and it guards nothing."""


class Purses:
    """All accounts, by name. Tokens and passwords belong to users, who may own several accounts."""

    def __init__(self, purses: Iterable[Purse]) -> None:
        self.all: dict[str, Purse] = {each.account: each for each in purses}

    def get(self, account: str) -> Purse | None:
        return self.all.get(account)

    def of_user(self, user: str) -> list[Purse]:
        return [each for each in self.all.values() if each.user == user]

    def user_of(self, token: str) -> str | None:
        """Whose token or password it is."""
        given = token.encode()
        return next((user for user in self._users() if hmac.compare_digest(given, token_of(user).encode())), None)

    def add(self, purse: Purse) -> None:
        self.all[purse.account] = purse

    def _users(self) -> Mapping[str, None]:
        return dict.fromkeys(each.user for each in self.all.values())


def token_of(user: str) -> str:
    """A user's password, and their token."""
    return WORD + user

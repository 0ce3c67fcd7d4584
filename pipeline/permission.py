"""On what terms a venue may be traded at, as its part says: shown before real money is armed."""

from typing import Any, NamedTuple


class Permission(NamedTuple):
    """What a venue's part says of who may trade there."""

    statement: str
    """One sentence for whoever is about to trade there."""
    page: str = ""
    """Where the venue itself says so."""
    rehearsal: bool = False
    """Nobody's money moves there, whatever an account is said to play with."""

    @property
    def sentence(self) -> str:
        """The statement, with the page where there is one."""
        return f"{self.statement} ({self.page})" if self.page else self.statement


UNSAID = Permission("the venue's part does not say who may trade there; read the venue's own terms")


def permission_of(venue: Any) -> Permission:
    """What the part of a venue says."""
    said: Permission = getattr(venue, "permission", UNSAID)
    return said

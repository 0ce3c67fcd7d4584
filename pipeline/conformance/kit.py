"""All checks of the kit, in the order in which they are told."""

from collections.abc import Sequence

from pipeline.conformance import of_ends, of_logins, of_orders, of_prices, of_statements, of_troubles
from pipeline.conformance.checks import Check

CHECKS: Sequence[Check] = (
    *of_logins.CHECKS,
    *of_prices.CHECKS,
    *of_orders.CHECKS,
    *of_ends.CHECKS,
    *of_statements.CHECKS,
    *of_troubles.CHECKS,
)

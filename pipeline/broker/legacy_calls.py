"""What only the legacy protocol answers: logins on the socket, and lists for people who look around."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pipeline.broker import deriv_accounts
from pipeline.broker.core import Broker
from pipeline.broker.deriv_amounts import spans
from pipeline.broker.deriv_prices import Payload
from pipeline.broker.deriv_requests import Denied, Request
from pipeline.broker.deriv_session import Call, Session
from pipeline.broker.legacy_frames import LegacyFrames
from pipeline.broker.products import Product
from pipeline.broker.values import Purse
from pipeline.gains import CENT
from pipeline.times import SECOND

LOW = Decimal(1000)
"""A practice account that holds less may be filled up again."""
POSITIONS = 100
"""So many contracts may be open at a time, as the venue says; it counts none."""
FRAMES = LegacyFrames()


def authorize(session: Session, request: Request) -> None:
    broker = session.broker
    user = broker.purses.user_of(request.table["authorize"])
    purses = [] if user is None else broker.purses.of_user(user)
    if not purses:
        raise Denied("InvalidToken", "The token is invalid.")
    active = [each for each in purses if each.status == "active"]
    if not active:
        raise Denied("DisabledClient", "This account is unavailable.")
    session.forget(session.streams("balance", "proposal", "proposal_open_contract", "transaction"))
    session.purse = active[0]
    session.answer(request, FRAMES.login(active[0], broker.balance(active[0].account), _rows(broker, purses)))


def logout(session: Session, request: Request) -> None:
    """The connection stays, for nobody's account."""
    session.forget(session.streams())
    session.purse = None
    session.answer(request, 1)


def account_list(session: Session, request: Request) -> None:
    broker = session.broker
    session.answer(request, _rows(broker, broker.purses.of_user(session.owner.user)))


def _rows(broker: Broker, purses: Sequence[Purse]) -> list[Payload]:
    """Accounts as they are listed; each began with its first line of money."""
    return [FRAMES.account_row(each, broker.entries(each.account)[0].at) for each in purses]


def get_account_status(session: Session, request: Request) -> None:
    purse = session.owner
    quiet = {"is_deposit_suspended": 0, "is_withdrawal_suspended": 0}
    found: dict[str, object] = {
        "currency_config": {purse.currency: quiet},
        "prompt_client_to_authenticate": 0,
        "risk_classification": "low",
        "status": [],
    }
    session.answer(request, found)


def get_limits(session: Session, request: Request) -> None:
    settings = session.broker.settings
    found = {"account_balance": None, "open_positions": POSITIONS, "payout": float(settings.max_payout)}
    session.answer(request, found)


def sell_expired(session: Session, request: Request) -> None:
    """Contracts that are over are sold by themselves: there is nothing left to do."""
    session.answer(request, {"count": 0})


def balance(session: Session, request: Request) -> None:
    """Of one account, or with the balances of all that the user has."""
    named = request.get("account", "current")
    mine = {each.account: each for each in session.broker.purses.of_user(session.owner.user)}
    if named == "all":
        held = {name: session.broker.balance(name) for name in mine}
        all_ = FRAMES.balances(session.owner, list(mine.values()), held)
        deriv_accounts.tell_balance(session, request, all_)
    elif named in ("current", session.account):
        deriv_accounts.balance(session, request)
    else:
        raise Denied("PermissionDenied", "Permission denied, balances of all accounts are not available.")


def topup_virtual(session: Session, request: Request) -> None:
    purse, broker = session.owner, session.broker
    held = broker.balance(purse.account)
    if purse.kind != "demo":
        raise Denied("TopupVirtualError", "Sorry, this feature is available to virtual accounts only.")
    if held >= LOW:
        raise Denied("TopupVirtualError", f"You can only request additional funds below {LOW} {purse.currency}.")
    amount = purse.opening - held
    broker.move(purse.account, amount, "top-up")
    session.answer(request, {"amount": float(amount.quantize(CENT)), "currency": purse.currency})


# --- lists -----------------------------------------------------------------------------------------------------------


def website_status(session: Session, request: Request) -> None:
    def calls(minutely: int, hourly: int) -> dict[str, object]:
        return {"applies_to": "account", "minutely": minutely, "hourly": hourly}

    currency = {"fractional_digits": 2, "is_deposit_suspended": 0, "is_withdrawal_suspended": 0, "type": "fiat"}
    found = {
        "api_call_limits": {
            "max_proposal_subscription": {"applies_to": "connection", "max": POSITIONS},
            "max_requestes_general": calls(220, 14_400),
            "max_requests_outcome": calls(30, 1_500),
            "max_requests_pricing": calls(360, 14_400),
        },
        "clients_country": "id",
        "currencies_config": dict.fromkeys(_currencies(session), currency),
        "site_status": "up" if session.broker.during("maintenance", session.account) is None else "updating",
        "supported_languages": ["EN"],
        "terms_conditions_version": "",
    }
    stream = session.begin(request, "website_status") if request.subscribes else None
    session.answer(request, found, stream=stream)


def payout_currencies(session: Session, request: Request) -> None:
    session.answer(request, _currencies(session))


def exchange_rates(session: Session, request: Request) -> None:
    """Of the one currency there is to itself."""
    base = request.table["base_currency"]
    if base not in _currencies(session):
        raise Denied("InvalidCurrency", f"The currency {base} is not known here.", field="base_currency")
    now = session.broker.now() // SECOND
    session.answer(request, {"base_currency": base, "date": now, "rates": {base: 1}})


def asset_index(session: Session, request: Request) -> None:
    session.answer(request, [FRAMES.asset_row(each, spans(each)) for each in session.broker.products.values()])


def trading_durations(session: Session, request: Request) -> None:
    grouped = dict[tuple[str, str], list[Product]]()
    for product in session.broker.products.values():
        grouped.setdefault((product.market, product.submarket), []).append(product)
    session.answer(request, [FRAMES.durations(several, spans(several[0])) for several in grouped.values()])


def _currencies(session: Session) -> list[str]:
    return sorted({each.currency for each in session.broker.purses.all.values()})


CALLS: Mapping[str, Call] = {
    "authorize": authorize,
    "logout": logout,
    "account_list": account_list,
    "balance": balance,
    "get_account_status": get_account_status,
    "get_limits": get_limits,
    "sell_expired": sell_expired,
    "topup_virtual": topup_virtual,
    "website_status": website_status,
    "payout_currencies": payout_currencies,
    "exchange_rates": exchange_rates,
    "asset_index": asset_index,
    "trading_durations": trading_durations,
}

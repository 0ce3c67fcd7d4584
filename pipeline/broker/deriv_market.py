"""What anybody may ask of Deriv's protocols: the time, what is traded and when, and prices."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pipeline.broker.deriv_amounts import category
from pipeline.broker.deriv_requests import Denied, Request, unfit
from pipeline.broker.deriv_session import Call, Session, Stream
from pipeline.broker.deriv_words import KINDS, MARKET_TITLES, SUBMARKET_TITLES
from pipeline.broker.prices import FARTHEST, Ticks
from pipeline.broker.products import Product
from pipeline.broker.values import Candle, Tick
from pipeline.times import DAY, HOUR, MINUTE, SECOND

FEW = 1_000
"""So many rows of the past are given when nobody says how many."""
CLOSED = "This market is presently closed."


def ping(session: Session, request: Request) -> None:
    session.answer(request, "pong")


def time(session: Session, request: Request) -> None:
    session.answer(request, session.broker.now() // SECOND)


def logout(session: Session, request: Request) -> None:
    session.answer(request, 1)
    session.ended = True


def forget(session: Session, request: Request) -> None:
    stream = session.stream(request.table["forget"])
    if stream is not None:
        session.drop(stream)
    session.answer(request, int(stream is not None))


def forget_all(session: Session, request: Request) -> None:
    kinds = request.table["forget_all"]
    named = [kinds] if isinstance(kinds, str) else kinds
    session.answer(request, session.forget(session.streams(*named) if named else []))


# --- what is traded --------------------------------------------------------------------------------------------------


def active_symbols(session: Session, request: Request) -> None:
    now = session.broker.now()
    rows = [
        session.frames.active_symbol(each, is_open=each.calendar.is_open(now), order=order)
        for order, each in enumerate(session.broker.products.values(), 1)
    ]
    session.answer(request, rows)


def contracts_for(session: Session, request: Request) -> None:
    product = session.product(request.table["contracts_for"])
    most = session.broker.settings.max_payout
    session.answer(request, session.frames.contracts_for(product, session.broker.price(product.name), most))


def contracts_list(session: Session, request: Request) -> None:
    names = dict[str, list[str]]()
    for name in KINDS:
        names.setdefault(category(name), []).append(name)
    session.answer(request, [{"contract_category": each, "contract_types": kinds} for each, kinds in names.items()])


def trading_times(session: Session, request: Request) -> None:
    day = _day(request.table["trading_times"], session.broker.now())
    grouped = dict[str, dict[str, list[object]]]()
    for product in session.broker.products.values():
        opens, closes = _hours(product, day)
        row = session.frames.trading_day(product, opens, closes, _weekdays(product, day))
        grouped.setdefault(product.market, {}).setdefault(product.submarket, []).append(row)
    markets = [
        {
            "name": MARKET_TITLES[market],
            "submarkets": [{"name": SUBMARKET_TITLES[name], "symbols": rows} for name, rows in submarkets.items()],
        }
        for market, submarkets in grouped.items()
    ]
    session.answer(request, {"markets": markets})


def _day(text: str, now: int) -> int:
    """The first moment of a day."""
    if text == "today":
        return now // DAY * DAY
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        raise unfit({"trading_times": "There is no such day."}) from None


def _hours(product: Product, day: int) -> tuple[list[str], list[str]]:
    """When a product opens and closes on a day."""
    opens, closes = list[str](), list[str]()
    moment, calendar = day, product.calendar
    while moment < day + DAY:
        if not calendar.is_open(moment):
            moment = calendar.next_open(moment)
            continue
        closing = calendar.next_close(moment)
        until = day + DAY - SECOND if closing is None else min(closing, day + DAY - SECOND)
        opens.append(_clock_text(moment))
        closes.append(_clock_text(until))
        moment = until + SECOND
    return (opens, closes) if opens else (["--"], ["--"])


def _weekdays(product: Product, day: int) -> list[str]:
    monday = datetime.fromtimestamp(day / SECOND, UTC)
    monday -= timedelta(days=monday.weekday())
    noons = [monday + timedelta(days=number, hours=12) for number in range(7)]
    return [each.strftime("%a") for each in noons if product.calendar.is_open(int(each.timestamp()) * SECOND)]


def _clock_text(moment: int) -> str:
    within = moment % DAY
    return f"{within // HOUR:02}:{within % HOUR // MINUTE:02}:{within % MINUTE // SECOND:02}"


# --- prices ----------------------------------------------------------------------------------------------------------


def ticks(session: Session, request: Request) -> None:
    names: str | list[str] = request.table["ticks"]
    products = [session.product(each) for each in ([names] if isinstance(names, str) else dict.fromkeys(names))]
    if not products:
        raise Denied("NoSymbolProvided", "Please provide a symbol.")
    for product in products:
        _need_open(session, product)
    for product in products:
        stream = _stream_ticks(session, request, product) if request.subscribes else None
        tick = session.broker.price(product.name)
        if tick is not None:
            if stream is not None:
                stream.told = tick.at
            found = session.frames.tick(tick, product, None if stream is None else stream.id)
            session.answer(request, found, said="tick", stream=stream)


def _stream_ticks(session: Session, request: Request, product: Product) -> Stream:
    """Each tick that comes; begun before the last one is looked up, so that none is missing between."""
    stream = session.begin(request, "ticks", product.name)

    def tell(tick: Tick) -> None:
        if tick.at > stream.told:
            stream.told = tick.at
            session.push(stream, "tick", session.frames.tick(tick, product, stream.id))

    stream.close = session.broker.watch_ticks(product.name, tell)
    return stream


def ticks_history(session: Session, request: Request) -> None:
    product = session.product(request.table["ticks_history"])
    if request.subscribes:
        _need_open(session, product)
    if request.get("style", "ticks") == "candles":
        _give_candles(session, request, product)
        return
    count = request.get("count", FEW)
    stream = _stream_ticks(session, request, product) if request.subscribes else None
    rows = _rows(session, request, product, count, None)
    rows = rows.rows(len(rows) - count, len(rows))
    if stream is not None and len(rows):
        stream.told = rows.ts.item(-1)
    body = {"history": session.frames.history(rows.singles()), "pip_size": product.decimals}
    session.say(request, "history", body, stream)


def _give_candles(session: Session, request: Request, product: Product) -> None:
    granularity, count = request.get("granularity", 60), request.get("count", FEW)
    tf = granularity * SECOND
    forming = _Forming(session, request, product, granularity) if request.subscribes else None
    candles = _rows(session, request, product, count, tf).candles(tf, session.broker.now())[-count:]
    if forming is not None and candles:
        forming.candle = candles[-1]
    body = {"candles": [session.frames.candle(each) for each in candles], "pip_size": product.decimals}
    session.say(request, "candles", body, None if forming is None else forming.stream)


class _Forming:
    """A stream of the forming candle, each time it has a tick more."""

    def __init__(self, session: Session, request: Request, product: Product, granularity: int) -> None:
        self.stream = session.begin(request, "candles", product.name, granularity)
        self.candle: Candle | None = None
        self._session, self._product, self._granularity = session, product, granularity
        self.stream.close = session.broker.watch_ticks(product.name, self._tell)

    def _tell(self, tick: Tick) -> None:
        if self.candle is not None and tick.at <= self.candle.last:
            return
        self.candle = _grown(self.candle, tick, self._granularity * SECOND)
        payload = self._session.frames.ohlc(self.candle, self._product, self._granularity, self.stream.id)
        self._session.push(self.stream, "ohlc", payload)


def _grown(candle: Candle | None, tick: Tick, tf: int) -> Candle:
    """The candle a tick belongs to, with it."""
    opened, price = tick.at // tf * tf, tick.quote
    if candle is None or candle.opened != opened:
        return Candle(opened, tick.at, price, price, price, price, 1, final=False)
    return candle._replace(
        last=tick.at,
        high=max(candle.high, price),
        low=min(candle.low, price),
        close=price,
        ticks=candle.ticks + 1,
    )


def _rows(session: Session, request: Request, product: Product, count: int, tf: int | None) -> Ticks:
    """The ticks that were asked for: from a start, or as many back as there shall be; of whole slots for candles."""
    broker, slot = session.broker, tf or product.cadence
    now = broker.now()
    end = now if request.table["end"] == "latest" else min(now, int(request.table["end"]) * SECOND)
    start = request.get("start")
    if start is not None:
        since = start * SECOND
        if since > end:
            raise Denied("InvalidStartEnd", "Start time is after end time.")
        last = broker.price(product.name)
        if request.get("adjust_start_time") and last is not None and not product.calendar.is_open(end):
            since -= max(0, end - last.at)  # as long before the close as was asked for before now
        if product.calendar.never_closes:
            since = max(since, end - count * slot)
        return broker.tape.ticks(product, since if tf is None else since // tf * tf, end + 1)
    span = count * slot
    while True:
        found = broker.tape.ticks(product, (end - span) // slot * slot, end + 1)
        enough = len(found) and len(found.candles(slot, now)) >= count
        if enough or span >= FARTHEST or product.calendar.never_closes:
            return found
        span = min(FARTHEST, span * 4)


def _need_open(session: Session, product: Product) -> None:
    if not product.calendar.is_open(session.broker.now()):
        raise Denied("MarketIsClosed", CLOSED)


CALLS: Mapping[str, Call] = {
    "ping": ping,
    "time": time,
    "logout": logout,
    "forget": forget,
    "forget_all": forget_all,
    "active_symbols": active_symbols,
    "contracts_for": contracts_for,
    "contracts_list": contracts_list,
    "trading_times": trading_times,
    "ticks": ticks,
    "ticks_history": ticks_history,
}

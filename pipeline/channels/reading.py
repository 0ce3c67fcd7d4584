"""What came by a channel as the message it has to be, key by key: how a publisher's own words are judged."""

from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.channels.messages import Heartbeat, MarketStatus, Message, Ohlcv, PriceTik, Status
from pipeline.channels.names import Channel
from pipeline.channels.parsing import parsed
from pipeline.channels.rules import checked, sentence
from pipeline.channels.wording import Unfit

KINDS: Mapping[Channel, type[Message]] = {
    "ohlcv": Ohlcv,
    "price_tik": PriceTik,
    "status": Status,
    "heartbeat": Heartbeat,
    "market_status": MarketStatus,
}


def understood(raw: bytes, channel: Channel, now: int) -> Message:
    """A message that keeps to all that stands in docs/channels.md; `Unfit` names the key that does not."""
    return message_of(parsed(raw), channel, now)


def message_of(value: Mapping[str, Any], channel: Channel, now: int) -> Message:
    """The same of what is parsed already."""
    kind = KINDS.get(channel)
    if kind is None:
        raise Unfit(f"{channel}: nothing of a publisher's comes by it")
    try:
        message = msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        raise Unfit(sentence(wrong)) from None
    checked(message, now)
    return message

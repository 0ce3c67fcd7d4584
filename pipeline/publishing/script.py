"""What Redis itself does in one step: compare with what is published, remember, and publish.

So neither an answer that is lost, nor a program that is killed in between, nor two publishers put a bar out twice. It
remembers first: a Redis that may not write (its memory or its disk is full, it is a replica) publishes all the same,
and would do so each time it is asked. What it then may not publish is forgotten again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.channels.names import Names
from pipeline.channels.wording import wire_symbol, wire_timeframe
from pipeline.values import Stream

FRESH = """
local had = redis.call('HGET', KEYS[1], ARGV[1])
local have = tonumber(had or '-1')
if have > tonumber(ARGV[3]) then have = -1 end
if tonumber(ARGV[2]) > have then have = tonumber(ARGV[2]) end
if have >= tonumber(ARGV[4]) then return {0, tostring(have)} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
local said = redis.pcall('PUBLISH', ARGV[6], ARGV[7])
if type(said) == 'table' and said.err then
    if had then redis.call('HSET', KEYS[1], ARGV[1], had) else redis.call('HDEL', KEYS[1], ARGV[1]) end
    return said
end
return {1, ARGV[5], tostring(have)}
"""
"""New bars: a cursor that Redis has lost is taken from us, one that lies in the future is none."""

LATE = """
local known = {0}
for i = 4, #ARGV do
    if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then known[#known + 1] = ARGV[i] end
end
if #known > 1 then return known end
for i = 4, #ARGV do redis.call('HSET', KEYS[1], ARGV[i], '1') end
redis.call('EXPIRE', KEYS[1], ARGV[3])
local said = redis.pcall('PUBLISH', ARGV[1], ARGV[2])
if type(said) == 'table' and said.err then
    for i = 4, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
    return said
end
return {1}
"""
"""Bars out of holes: each is remembered by itself for a while, and the cursor stays."""

REMEMBERED = 7 * 24 * 3600
"""Seconds after the last late bar that late bars are remembered."""


class Message(NamedTuple):
    """Final bars of one stream as they go out."""

    stream: Stream
    opened: tuple[int, ...]
    """The openings of its bars, in order."""
    payload: bytes
    known: int
    """Up to where we know that the stream is published."""
    why: str


class Answer(NamedTuple):
    """What Redis made of a message: published, or what it has already."""

    published: bool
    cursor: int
    taken: tuple[int, ...] = ()
    """Of late bars, the openings of those that are out."""
    before: int = -1
    """Of new bars that were published, up to where the stream was before them."""


def field_of(stream: Stream) -> str:
    """A stream's field in the hash of cursors."""
    return f"{wire_symbol(stream.product)}:{wire_timeframe(stream.tf)}"


def call_of(message: Message, names: Names, now: int) -> tuple[str, list[str | bytes | int]]:
    """The script for a message, and what it is given: how many keys, the keys, the arguments."""
    channel, field = names.channel("ohlcv"), field_of(message.stream)
    first, last = message.opened[0], message.opened[-1]
    if message.why == "late":
        fields = [f"{field}:{opened}" for opened in message.opened]
        return LATE, [1, f"{names.cursor}:late", channel, message.payload, REMEMBERED, *fields]
    latest = now - message.stream.tf  # a bar that opened later is not over
    return FRESH, [1, names.cursor, field, message.known, latest, first, last, channel, message.payload]


def answer_of(message: Message, given: Sequence[int | bytes]) -> Answer:
    """What a script said of a message; `ValueError` of what no script says."""
    if not isinstance(given, list) or len(given) < (1 if message.why == "late" else 3 if given[:1] == [1] else 2):
        raise ValueError(repr(given))
    first, *rest = given
    if message.why == "late":
        taken = tuple(int(bytes(each).rpartition(b":")[2]) for each in rest if isinstance(each, bytes))
        return Answer(first == 1, message.known, taken)
    return Answer(first == 1, int(rest[0]), before=int(rest[1]) if first == 1 else -1)

"""Numbers, ages and names as the console writes them: fixed widths, no surprises from what others named things."""

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.cells import cell_len, set_cell_size

from tui.palette import MINUS

_UNSEEN = {
    **dict.fromkeys(range(0x20), "·"),
    **dict.fromkeys(range(0x7F, 0xA0), "·"),
    **dict.fromkeys((*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x206A), 0xFEFF), "·"),
}


def plain(text: str) -> str:
    """Text that can only be read: what would steer a terminal or turn the writing direction becomes a dot."""
    return text.translate(_UNSEEN)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly `width` cells; what does not fit is cut with `…`."""
    cells = cell_len(text)
    if cells > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    pad = " " * (width - cells)
    return pad + text if right else text + pad


def figures(value: float, least: int) -> str:
    """A number with so many figures, and never fewer than its whole part has."""
    whole = f"{value:,.0f}".replace(",", " ")
    return whole if len(whole.lstrip("-").replace(" ", "")) >= least else f"{value:.{least}g}"


def price_text(price: float | None, digits: int) -> str:
    return "─" if price is None else f"{price:.{digits}f}"


def signed(number: float | None, digits: int = 2) -> str:
    if number is None:
        return "─"
    return f"{number:+.{digits}f}".replace("-", MINUS)


def money(amount: str) -> str:
    """`-1204.10` as `−1 204.10`; what is no plain amount stays as it is."""
    sign, digits = (amount[0], amount[1:]) if amount[:1] in ("+", "-") else ("", amount)
    whole, point, cents = digits.partition(".")
    if not whole.isdecimal():
        return plain(amount)
    return sign.replace("-", MINUS) + f"{int(whole):,}".replace(",", " ") + point + cents


def gain(amount: str) -> int:
    """Whether an amount is a gain (1), a loss (-1) or nothing (0)."""
    if not any(digit in amount for digit in "123456789"):
        return 0
    return -1 if amount.startswith(("-", MINUS)) else 1


def age_text(seconds: float) -> str:
    """`0.4s`, `12s`, `3m`, `2h`, `4d`."""
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f}s"
    for unit, size, limit in (("s", 1, 120), ("m", 60, 7_200), ("h", 3_600, 172_800)):
        if seconds < limit:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // 86_400)}d"


def count_text(number: float) -> str:
    """`950`, `4.9k`, `1.2M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def countdown(millis: int) -> str:
    """`00:23`; `1:02:03` from an hour on."""
    hours, rest = divmod(max(0, millis) // 1000, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def zone_of(name: str) -> tzinfo:
    """A display time zone by name; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment(ts: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(ts / 1000, zone)

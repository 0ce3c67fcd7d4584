"""The hours of a market as a person writes them: `Mon-Fri 09:30-16:00`, `Sun 17:00 - Fri 17:00`, `2026-12-24`."""

import re
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pipeline.hours import DAY_MINUTES, FIRST_YEAR, LAST_YEAR, WEEK_MINUTES, Hours, Span, Window
from pipeline.tables import nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORT = tuple(day.capitalize() for day in DAYS)
NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME = r"(\d{1,2}:\d\d)"
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")
_ACROSS = re.compile(rf"([a-z]+) +{_TIME} *[-–] *([a-z]+) +{_TIME}")
_DAILY = re.compile(rf"(?:([a-z]+(?: *[-–,] *[a-z]+)*) +)?{_TIME} *[-–] *{_TIME}")
_WINDOW = re.compile(r"(.*\d) +(\S+)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def spans_of(text: str, *, every_day: bool = False) -> tuple[Span, ...]:
    """The spans of a week that a session is; with `every_day` the days may be left out, which means all of them."""
    words = text.strip().lower()
    if (across := _ACROSS.fullmatch(words)) is not None:
        begin = _day(across[1]) * DAY_MINUTES + minutes_of(across[2])
        end = _day(across[3]) * DAY_MINUTES + minutes_of(across[4], ending=True)
        if begin == end:
            raise ValueError(f"{text!r} ends when it begins; write Mon-Sun 00:00-24:00 for what never closes")
        return ((begin, end if end > begin else end + WEEK_MINUTES),)
    daily = _DAILY.fullmatch(words)
    if daily is None or (daily[1] is None and not every_day):
        raise ValueError(f"{text!r} is not a time of the week; {_like(every_day)}")
    begin, end = minutes_of(daily[2]), minutes_of(daily[3], ending=True)
    if begin == end:
        raise ValueError(f"{text!r} ends when it begins; write 00:00-24:00 for a whole day")
    long = end - begin if end > begin else end - begin + DAY_MINUTES
    days = range(7) if daily[1] is None else _days(daily[1])
    return tuple((day * DAY_MINUTES + begin, day * DAY_MINUTES + begin + long) for day in days)


def window_of(name: str, text: str) -> Window:
    """Hours of a city: a session, then its zone."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{text!r} is no window; write it like "Mon-Fri 08:00-16:00 Asia/Tokyo"')
    return Window(name, zone_of(match[2]), spans_of(match[1]))


def minutes_of(text: str, *, ending: bool = False) -> int:
    """Minutes since midnight of a time of day such as 09:30; as an ending 24:00 too."""
    match = _CLOCK.fullmatch(text.strip())
    minutes = int(match[1]) * 60 + int(match[2]) if match is not None and int(match[2]) < 60 else DAY_MINUTES + 1
    if minutes > DAY_MINUTES or (minutes == DAY_MINUTES and not ending):
        raise ValueError(f"{text!r} is not a time of day; write it like 09:30")
    return minutes


def date_of(text: str) -> date:
    """A day such as 2026-12-25, in the years that calendars know."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"{text!r} is not a day; write it like 2026-12-25")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{text!r} is too far away; calendars know the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def zone_of(name: str) -> str:
    """The name of a time zone, when there is such a zone."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; {_zone_like(name)}") from None


def time_text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def week_text(hours: Hours) -> list[str]:
    """The open week as a person would write it, its breaks taken out, holidays not."""
    week = hours.open_week()
    if week == [(0, WEEK_MINUTES)]:
        return ["always open"]
    if week[0][0] == 0 and week[-1][1] == WEEK_MINUTES:
        week = [*week[1:-1], (week[-1][0], WEEK_MINUTES + week[0][1])]
    days: dict[Span, list[int]] = {}
    for begin, end in week:
        day, at = divmod(begin, DAY_MINUTES)
        days.setdefault((at, end - begin), []).append(day)
    return [text for (at, length), those in days.items() for text in _spans_text(at, length, those)]


def _spans_text(at: int, length: int, days: list[int]) -> Iterator[str]:
    for day in (each for each in days if (each - 1) % 7 not in days or len(days) == 7):
        number = next(step for step in range(1, 8) if (day + step) % 7 not in days or step == 7)
        end = day * DAY_MINUTES + at + length
        if length > DAY_MINUTES or (length == DAY_MINUTES and at):
            last = SHORT[end // DAY_MINUTES % 7]
            yield f"{SHORT[day]} {time_text(at)} - {last} {time_text(end % DAY_MINUTES)}"
            continue
        until = time_text(end % DAY_MINUTES or DAY_MINUTES)
        named = SHORT[day] if number == 1 else f"{SHORT[day]}-{SHORT[(day + number - 1) % 7]}"
        yield f"{named} {time_text(at)}-{until}"
        if number == 7:
            return


def _zone_like(name: str) -> str:
    close = nearest(name, available_timezones())
    return close if close.startswith("did") else "write one like America/New_York"


def _days(text: str) -> list[int]:
    """The days of `mon-fri`, `mon,wed` or `fri-sun`, from the first named on."""
    made: list[int] = []
    for part in re.split(r" *, *", text):
        first, _, last = re.sub(r" *[-–] *", "-", part).partition("-")
        begin = _day(first)
        made += [(begin + day) % 7 for day in range((_day(last or first) - begin) % 7 + 1)]
    if len(set(made)) < len(made):
        raise ValueError(f"{text!r} names a day twice; name each once")
    return made


def _day(text: str) -> int:
    if text not in DAYS and text not in NAMES:
        raise ValueError(f"{text!r} is not a day of the week; write it like Mon")
    return DAYS.index(text[:3])


def _like(every_day: bool) -> str:
    return (
        "write it like 17:00-18:00" if every_day else 'write it like "Mon-Fri 09:30-16:00" or "Sun 17:00 - Fri 17:00"'
    )

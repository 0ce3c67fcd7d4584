"""How much may be asked of an engine at once, and by whom."""

LARGEST_QUESTION = 16 * 1024
"""Bytes of a question, over REST or over a line."""
LARGEST_FLOW = 256 * 1024
"""Bytes of a question that has a whole flow file in it."""
REQUESTS_PER_SECOND = 30.0
REQUESTS = 60
"""So many at once, when there were few before. What stops trading is not counted and never refused for it."""
CONNECTIONS = 64
"""On the port, and as many on the Unix socket: who fills the one does not fill the other."""
SOCKETS = 16
"""Lines that stay: consoles and channels together."""
IDLE = 15.0
"""Seconds in which a question has to be said whole, and for which a connection is kept for the next one."""
QUESTIONS = 40
QUESTIONS_PER_SECOND = 10.0
"""What a line may ask: so many at once, and so many a second."""
PING = 20.0
"""Seconds between two pings of a line."""
CHANNEL_RATE = 10.0
"""Messages a second on the channel `metrics`, at the most."""
QUEUE = 1_000
"""Messages of each other channel that wait for one line; what comes when it is full is counted and told of."""


class Bucket:
    """So many at once, and so many a second: a bucket that fills again with time."""

    def __init__(self, most: float, each_second: float, now: float) -> None:
        self._most, self._each_second = most, each_second
        self._left, self._at = most, now

    def take(self, now: float) -> float:
        """Take one; 0 when there was one, else after how many seconds there will be."""
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._each_second)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._each_second
        self._left -= 1
        return 0.0

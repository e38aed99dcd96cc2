"""Events at hand for comparing spans that came twice, up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Callable

from ledger.journal.frame import Event


class Remembered:
    """Reads events by `read` and keeps those asked for last; two are always kept, however large: they are compared."""

    def __init__(self, read: Callable[[int], Event], bytes_max: int) -> None:
        self._read, self._bytes_max = read, bytes_max
        self._events: OrderedDict[int, Event] = OrderedDict()
        self._bytes = 0

    def get(self, event_seq: int) -> Event:
        event = self._events.get(event_seq)
        if event is None:
            event = self._events[event_seq] = self._read(event_seq)
            self._bytes += len(event.body)
            while self._bytes > self._bytes_max and len(self._events) > 2:
                self._bytes -= len(self._events.popitem(last=False)[1].body)
        self._events.move_to_end(event_seq)
        return event

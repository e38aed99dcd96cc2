"""One line on stderr for each thing worth saying: time, process, level, words. Nothing in it can steer a terminal."""

import logging
import sys
import threading
import time
import traceback
from types import TracebackType

from queries.wire import harmless


class OneLine(logging.Formatter):
    """`2026-11-22T10:00:00Z collector warning: words`; an exception becomes its type and message."""

    def __init__(self, process: str) -> None:
        super().__init__("%(message)s")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        caught = record.exc_info[1] if record.exc_info else None
        record.exc_info = record.exc_text = None
        text = super().format(record)
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        words = f"{text}: {type(caught).__name__}: {caught}" if caught else text
        return harmless(f"{when} {self._process} {record.levelname.lower()}: {words}")


def configure(process: str, level: int = logging.INFO) -> None:
    """Send the log of this process to stderr in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(process))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its start and stop are told by ours
    sys.excepthook = _crashed
    threading.excepthook = lambda crash: _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)


def _crashed(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """A bug in one line: what, and where; enough to report it, and no page of frames for the user."""
    last = traceback.extract_tb(trace)[-1:]
    where = f" at {last[0].filename}:{last[0].lineno} in {last[0].name}" if last else ""
    logging.getLogger("crash").critical("unexpected %s: %s%s; please report this", kind.__name__, error, where)

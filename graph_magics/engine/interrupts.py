"""Takes note of an interrupt, whatever becomes of the exception that it raises."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """Notes whether an interrupt came while it is entered.

    A KeyboardInterrupt may be raised where nobody can let it through: C code makes a TypeError
    of it, or prints and forgets it, and a step may catch it.
    """

    def __init__(self) -> None:
        self.came = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        # Signals come to the first thread alone, and only there may be handled.
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._before is not None:
            now = signal.signal(signal.SIGINT, self._before)
            if now != self._note:  # A step's own, which stays.
                signal.signal(signal.SIGINT, now)

    def check(self) -> None:
        """Raise the KeyboardInterrupt that came."""
        if self.came:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        self._before(number, frame)

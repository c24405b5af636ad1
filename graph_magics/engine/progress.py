"""How far a run is, shown while it takes long: a bar of tqdm's."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from time import perf_counter
from typing import Any

#: After so many seconds a bar is shown.
PATIENCE = 0.5


class Progress:
    """A bar with the events done, the rate and the errors so far; gone when the work is.

    Nothing is shown, or even imported, where the work ends within half a second. In a notebook
    the bar is a widget, or text where ipywidgets is missing; elsewhere it goes to the standard
    error, if that is a terminal.

    Parameters
    ----------
    total : int or None
        How many there are to be done, if that is known.
    unit : str
        What is counted.
    shown : bool, optional
        True: at once, wherever it goes to. False: never.

    Examples
    --------
    >>> with Progress(3) as bar:
    ...     for failed in (0, 1, 0):
    ...         bar.done(1, failed)
    """

    def __init__(self, total: int | None, unit: str = "events", shown: bool | None = None) -> None:
        self._total = total
        self._unit = unit
        self._shown = shown
        self._done = 0
        self._failed = 0
        self._started = 0.0
        self._bar: Any = None

    def __enter__(self) -> Progress:
        self._started = perf_counter()
        if self._shown:
            self._show()
        return self

    def done(self, events: int, failed: int = 0) -> None:
        """Note that so many more are done, and how many of them failed."""
        self._done += events
        self._failed += failed
        is_new = self._bar is None
        if is_new:
            # After the last there is nothing left to wait for.
            if self._shown is not None or self._done == self._total:
                return
            if perf_counter() - self._started < PATIENCE:
                return
            if not _is_seen():
                self._shown = False
                return
            self._show()
            events = self._done
        if self._failed:
            told = "1 error" if self._failed == 1 else f"{self._failed:,} errors"
            self._bar.set_postfix_str(told, refresh=False)
        self._bar.update(events)
        if is_new:  # Not only after a tenth of a second more.
            self._bar.refresh()

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _show(self) -> None:
        self._bar = _bar_class()(total=self._total, unit=f" {self._unit}", unit_scale=True,
                                 leave=False, dynamic_ncols=True)  # fmt: skip
        if not self._bar.disable:  # as the variable TQDM_DISABLE may have it
            self._bar.start_t -= perf_counter() - self._started


def _bar_class() -> Any:
    with warnings.catch_warnings():
        # That ipywidgets is missing: the bar is text, then.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        """A bar that leaves no thread, and no lock between processes."""

        monitor_interval = 0

    Bar.set_lock(threading.RLock())
    return Bar


def _is_seen() -> bool:
    """Whether somebody may be looking: in a notebook, or at a terminal."""
    # tqdm's own variable, which its bar for notebooks does not ask for.
    if os.environ.get("TQDM_DISABLE", "").lower() not in ("", "0", "false"):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is not None:
        return True
    return sys.stderr is not None and sys.stderr.isatty()

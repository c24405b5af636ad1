"""`Run`: what came of a batch of events, event by event and step by step, and what it means."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .comparable import Comparable, Judged
from .errors import GraphError, counted
from .failures import told
from .tracing import position_of, trace_of
from .weighable import Weighable

if TYPE_CHECKING:
    from .drawing.picture import Drawing, Renderer
    from .traffic import Traffic


class Run(Weighable, Comparable):
    """What came of running events through a graph; made by `Graph.run`.

    Attributes
    ----------
    graph : str
        The graph's name.
    seed : int
        The seed of the run's draws.
    complete : bool
        False if it was stopped: then it has the events that were done by then, from the first on.

    Examples
    --------
    >>> import pandas as pd
    >>> from graph_magics import Graph
    >>> per_coin = Graph("shop", lambda event: 100 / event["price"])
    >>> run = per_coin.run(pd.DataFrame({"price": [50, 0]}))
    >>> run.frame[["response", "status", "error"]]
       response  status                                     error
    0       2.0     200                                       NaN
    1       NaN     500  step: ZeroDivisionError: division by zero
    """

    def trace(self, event: Any = None, *, position: int | None = None) -> pd.DataFrame:
        """Everything that happened to one event, in order: a row for each node it came to.

        Parameters
        ----------
        event : label
            Of the events' index.
        position : int, optional
            Instead: its place in the run, from 0; for an index with repeated labels.

        Returns
        -------
        DataFrame
            step, kind, received, answered, route (that a Splitter or Switch chose), status
            (200 unless a service or an error has another), error.

        Raises
        ------
        GraphError
            If there is no such event, or several.
        """
        try:
            place = position_of(event, position, self._events.index)
        except GraphError as error:
            raise error.at(graph=self.graph) from None
        return trace_of(self._visits, place, self._nodes)

    def _judged(self, y: Any) -> Judged:
        from .judging import answers_for, probabilities_for, task_of

        answers, features = answers_for(y, self._outputs, self._response(), self._events)
        if len(self._failures) == len(self) > 0 and answers.isna().all(axis=None):
            why = self._commonest()
            raise GraphError(f"all events failed, so there is nothing to compare: {why}")
        return Judged(
            answers,
            probabilities_for(answers, self._outputs, self._events),
            features,
            is_by_event=answers.index is self._events.index,
            frame=lambda: self.frame,
            task=task_of(self._nodes),
        )

    def draw(self, path: str | Path | None = None, *, renderer: Renderer | None = None) -> Drawing:
        """Draw the graph with what the run saw: events, errors and the median time of each.

        An edge is as thick as the share of the run's events that went over it. Where a router
        or a Choice of MLRun's chooses, the share of what came to it stands beside the weight.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it, as ``.svg``, ``.png`` or ``.pdf``.
        renderer : {"wasm", "dot"}, optional
            See `Graph.draw`.
        """
        from .drawing.picture import Drawing

        drawing = Drawing(self.graph, self._root, self._traffic(), renderer=renderer)
        if path is not None:
            drawing.save(path)
        return drawing

    def __repr__(self) -> str:
        failed = len(self._failures)
        text = f"Run of {self.graph!r}: {counted(len(self), 'event')}, "
        text += f"{len(self) - failed:,} answered, {failed:,} failed"
        if failed:
            text += f"; {self._commonest()}"
        if self._forgiven:
            text += f"; {len(self._forgiven):,} answered in spite of an error"
        if not self.complete:
            text += "; stopped before the end"
        return text

    def _repr_html_(self) -> str:
        head = self.frame.head(5).to_html(border=0, max_cols=20)
        more = f"<p>… {len(self) - 5:,} more in .frame</p>" if len(self) > 5 else ""
        return f"<p>{html.escape(repr(self))}</p>{head}{more}"

    def _commonest(self) -> str:
        """The error that most events failed with."""
        counts: dict[str, int] = {}
        for failure in self._failures.values():
            text = told(failure)
            counts[text] = counts.get(text, 0) + 1
        text, number = max(counts.items(), key=lambda item: item[1])
        return f"{number:,} with {text}" if len(counts) > 1 else text

    def _traffic(self) -> Traffic:
        from .traffic import traffic_of

        return traffic_of(self._visits, len(self))


class RunInterrupted(KeyboardInterrupt):
    """A run was stopped, as by the notebook's button; what was done by then is kept.

    Attributes
    ----------
    run : Run
        Of the events that were done, in whole chunks; its ``complete`` is False.
    total : int
        How many events there were.

    Examples
    --------
    >>> from graph_magics import Graph, RunInterrupted
    >>> def stopped(event):
    ...     if event == 2:
    ...         raise KeyboardInterrupt
    ...     return event
    >>> try:
    ...     Graph("g", stopped).run([0, 1, 2, 3], chunk_size=2)
    ... except RunInterrupted as stop:
    ...     print(stop)
    ...     print(stop.run.frame["response"].tolist())
    graph 'g': stopped when 2 of 4 events were done
    [0, 1]
    """

    def __init__(self, run: Run, total: int) -> None:
        super().__init__(run, total)
        self.run = run
        self.total = total

    def __str__(self) -> str:
        done = f"{len(self.run):,} of {counted(self.total, 'event')}"
        return f"graph {self.run.graph!r}: stopped when {done} were done"

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook: where it was stopped says nothing."""
        return [f"{type(self).__name__}: {self}"]

"""`Run`: what came of a batch of events, event by event and step by step."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .batch import Batch
from .blame import failures_in, forgiven_in, row_of
from .bodies import Samples, is_json, objects, take
from .comparable import Comparable, Judged
from .context import Visit
from .engine import Events, Outcome, execute_again
from .errors import GraphError, counted, listed, one_line, text_of
from .failures import Failure
from .flow import Flow
from .nodes import Node, walk
from .outputs import Output, chosen, outputs_of
from .replay import Record, Replay
from .routers import weights_in
from .serving import without_crash
from .steps import Model
from .weighable import Weighable
from .wire import read

if TYPE_CHECKING:
    from .picture import Drawing, Renderer
    from .traffic import Traffic


class Run(Comparable, Weighable):
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

    def __init__(
        self,
        graph: str,
        root: Node,
        events: Events,
        outcome: Outcome,
        *,
        seed: int,
        as_sent: bool = False,
        settled: Callable[[Batch], Batch] = without_crash,
    ) -> None:
        self.graph = graph
        self.seed = seed
        self.complete = True
        self._as_sent = as_sent
        self._settled = settled
        self._root = root
        self._events = events
        self._visits = outcome.visits
        outcome.answers[:] = map(settled, outcome.answers)
        self._answers = outcome.answers
        self._chunks = outcome.chunks
        #: The run that this one goes through again, and of such a one the columns of its frame.
        self._like: Run | None = None
        self._shown: dict[str, Mapping[str, Any]] = {}
        self._columns: Sequence[str] | None = None
        self._nodes = dict(walk(root))
        # As they were: a panel may turn them later.
        self._weights = weights_in(self._nodes)

    def __len__(self) -> int:
        return len(self._events)

    @functools.cached_property
    def _failures(self) -> Mapping[int, Failure]:
        return failures_in(self._answers, self._visits, self._nodes)

    @functools.cached_property
    def _forgiven(self) -> Mapping[int, Failure]:
        return forgiven_in(self._visits, self._nodes, self._failures)

    @functools.cached_property
    def _outputs(self) -> list[Output]:
        is_table = not is_json(self._events.bodies)
        return outputs_of(
            self._nodes, self._visits, len(self), is_table=is_table, as_sent=self._as_sent
        )

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """Every answer, a row for each event, under the events' own index.

        One column per model, router and step that answers with a value (probabilities: one per
        class, ``forest.benign``; a step that answers with a table is left to `output`), one
        ``<router>.route`` per choice of a route, then ``response``, ``status`` (as HTTP has
        it: 200 answered, 400, 404, 500) and ``error`` (what failed where; missing if nothing;
        with status 200, what a Soft dependency of KServe's has forgiven).
        A response that is a table has a column ``response.<name>`` for each of its own.
        """
        columns: dict[str, Any] = {}
        response = self._response()
        for output in self._outputs:
            columns.update(self._columns_of(output))
            if output.is_told_by(response):
                columns["response"] = columns[output.column]
        if "response" in columns:
            columns["response"] = columns.pop("response")  # After all others.
        else:
            columns.update(response.columns())
        status = np.full(len(self), 200, dtype=np.int16)
        for answer in self._answers:
            if answer.status is not None:
                status[answer.positions] = answer.status
        error = _no_texts(len(self))
        failed = np.array(list(self._failures), dtype=int)
        status[failed] = [failure.status for failure in self._failures.values()]
        error[failed] = [told(failure) for failure in self._failures.values()]
        forgiven = np.array(list(self._forgiven), dtype=int)
        error[forgiven] = [told(failure) for failure in self._forgiven.values()]
        columns |= {"status": status, "error": error}
        return pd.DataFrame(columns, index=self._events.index)

    def _columns_of(self, output: Output) -> Mapping[str, Any]:
        """What of a node's answers stands in the frame."""
        columns = None if self._like is None else self._like._known_columns(output)
        return output.columns() if columns is None else columns

    def _known_columns(self, output: Output) -> Mapping[str, Any] | None:
        """The columns of just these answers, if they are also this run's; they are kept."""
        for own in self._outputs:
            if own.path == output.path and own.is_same(output):
                if own.path not in self._shown:
                    self._shown[own.path] = own.columns()
                return self._shown[own.path]
        return None

    def keep(self, columns: Sequence[str] | None) -> None:
        """Let the frame have only these columns; ``vote`` stands for ``vote.benign``, too.

        Raises
        ------
        GraphError
            If there is no such column.
        """
        if columns is None:
            return
        try:
            self.__dict__["frame"] = chosen(self.frame, columns)
            self._columns = columns
        except GraphError as error:
            raise error.at(graph=self.graph) from None

    def answered(self, column: str) -> tuple[np.ndarray, Any]:
        """What a column of the frame is made of: which events were answered, and with what.

        In the frame the values may have another dtype, for those that are missing beside them.
        """
        for output in (*self._outputs, self._response()):
            values = output.answered(column)
            if values is not None:
                return output.positions, values
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=object)

    @functools.cached_property
    def errors(self) -> pd.DataFrame:
        """The events that failed: step, status, error, message and place in the user's code.

        With them those that were answered all the same, as a Soft dependency of KServe's has
        it: their status is that of the step that raised.
        """
        known = dict(sorted({**self._failures, **self._forgiven}.items()))
        rows = np.array(list(known), dtype=np.int64)
        return table_of(list(known.values())).set_axis(self._events.index[rows])

    def output(self, node: str) -> pd.Series | pd.DataFrame:
        """Everything that one node answered, tables included, under the events' index.

        Parameters
        ----------
        node : str
            A name that stands once in the graph, or a dotted path such as ``vote.forest``.

        Raises
        ------
        GraphError
            If there is no such node.
        """
        found = [o for o in self._outputs if node in (o.path, o.column)]
        if not found:
            names = [output.path for output in self._outputs]
            raise GraphError(f"no node {node!r}; there are {listed(names)}", graph=self.graph)
        return found[0].whole(self._events.index)

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
        place = self._position(event, position)
        rows = [self._traced(v, place) for v in self._visits if row_of(v.received, place) >= 0]
        names = ["step", "kind", "received", "answered", "route", "status", "error"]
        return pd.DataFrame(rows, columns=names, dtype=object)

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

    @functools.cached_property
    def _record(self) -> Record:
        return Record(self._visits, len(self))

    def _again(self, root: Node, others: Mapping[str, Node], *, ask: bool) -> Run:
        """Go through the run again, with other routers by path; `WhatIf` says who they are.

        ``root`` is the run's with them in it, for whoever looks at its nodes.
        """
        replay = Replay(self._record, others, self._root, ask)
        outcome = execute_again(self._root, self._chunks, replay, seed=self.seed)
        run = Run(
            self.graph, root, self._events, outcome,
            seed=self.seed, as_sent=self._as_sent, settled=self._settled,
        )  # fmt: skip
        run.complete = self.complete
        run._like = self._like or self
        run._record = Record(outcome.visits, len(self), self._record)
        run.keep(self._columns)
        return run

    def draw(self, path: str | Path | None = None, *, renderer: Renderer | None = None) -> Drawing:
        """Draw the graph with what the run saw: events, errors and the median time of each.

        An edge is as thick as the share of the run's events that went over it; where a router
        or a Choice of MLRun's chooses, the share stands on it.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it, as ``.svg``, ``.png`` or ``.pdf``.
        renderer : {"wasm", "dot"}, optional
            See `Graph.draw`.
        """
        from .picture import Drawing

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

    def _response(self) -> Output:
        parts = [(answer.positions, answer.bodies) for answer in self._answers if len(answer)]
        ends = self._root.ends if isinstance(self._root, Flow) else ()
        # Probabilities are told by class, as in the model's own columns.
        node = ends[0] if len(ends) == 1 and isinstance(ends[0], Model) else None
        is_table = not is_json(self._events.bodies)
        return Output(
            "response", "response", node, parts, len(self), is_response=True, is_table=is_table
        )

    def _traffic(self) -> Traffic:
        from .traffic import traffic_of

        return traffic_of(self._visits, len(self))

    def _position(self, event: Any, position: int | None) -> int:
        if position is not None:
            if not isinstance(position, (int, np.integer)):
                raise GraphError(f"position must be a whole number, got {position!r}")
            if not -len(self) <= position < len(self):
                raise GraphError(
                    f"no event stands at position {position}; "
                    f"the run has {counted(len(self), 'event')}",
                    graph=self.graph,
                )
            return int(position) % len(self)
        if event is None:
            raise GraphError("say which event: trace(label) or trace(position=0)", graph=self.graph)
        try:
            place = self._events.index.get_loc(event)
        except (KeyError, TypeError, pd.errors.InvalidIndexError):
            raise GraphError(f"no event has the label {event!r}", graph=self.graph) from None
        if not isinstance(place, (int, np.integer)):
            raise GraphError(
                f"several events have the label {event!r}; ask by trace(position=...)",
                graph=self.graph,
            )
        return int(place)

    def _traced(self, visit: Visit, position: int) -> Sequence[Any]:
        row = row_of(visit.answered, position)
        failure = visit.raised.get(position) or (
            visit.answered.failures.get(position) if row < 0 else None
        )
        route = None
        if visit.choices is not None:
            choice = int(visit.choice[row_of(visit.received, position)])
            route = visit.choices[choice] if choice >= 0 else None
        code = visit.answered.code(row) if row >= 0 else 200
        return (
            visit.path,
            self._nodes[visit.path].kind,
            _body(visit.received, row_of(visit.received, position)),
            _body(visit.answered, row) if row >= 0 else None,
            route,
            failure.status if failure else code,
            told(failure) if failure else None,
        )


def table_of(failures: Sequence[Failure]) -> pd.DataFrame:
    """Failures as a table: step, status, error, message and place in the user's code."""
    return pd.DataFrame(
        {
            "step": pd.array([f.node for f in failures], dtype="str"),
            "status": np.array([f.status for f in failures], dtype=np.int16),
            "error": pd.array([type(f.error).__name__ for f in failures], dtype="str"),
            "message": pd.array([text_of(f.error) for f in failures], dtype="str"),
            "place": pd.array([f.place or "" for f in failures], dtype="str"),
        }
    )


def _no_texts(size: int) -> Any:
    """So many missing texts."""
    import pyarrow as pa  # Which pandas keeps its texts in.

    dtype: Any = pd.array([], dtype="str").dtype
    return dtype.__from_arrow__(pa.nulls(size, pa.large_string()))


def told(failure: Failure) -> str:
    """An event's failure in one line, as it stands in the frame."""
    return f"{failure.node}: {one_line(failure.error)}"


def _body(batch: Batch, row: int) -> Any:
    source, rows = batch.source
    at = row if rows is None else int(rows[row])
    body = take(source, np.array([at]))
    if isinstance(body, Samples):
        return body.tolist()[0]
    return read(objects(body)[0])


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

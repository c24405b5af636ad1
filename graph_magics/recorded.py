"""`Recorded`: what a run keeps of its events and nodes, as columns, and going through it again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from .batch import Batch
from .blame import failures_in, forgiven_in
from .bodies import is_json
from .engine import Events, Outcome, execute_again
from .errors import GraphError, listed
from .failures import Failure, table_of, told
from .flow import Flow
from .nodes import Node, walk
from .outputs import Output, chosen, outputs_of
from .replay import Record, Replay
from .routers import weights_in
from .serving import without_crash
from .steps import Model


class Recorded:
    """What came of a batch of events; `Run` is one, and says what it means.

    Parameters
    ----------
    graph : str
    root : Node
    events : Events
    outcome : Outcome
        Of running the events through the root.
    seed : int
    as_sent : bool
        Whether answers stand in the frame as they were sent, as KServe's router sends them.
    settled : callable
        Makes the answer that a client sees of what the graph answers.
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
        self._like: Recorded | None = None
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
    def _output_at(self) -> Mapping[str, Output]:
        return {output.path: output for output in self._outputs}

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """Every answer, a row for each event, under the events' own index.

        One column per model, router and step that answers with a value (probabilities: one per
        class, ``forest.benign``; a step that answers with a table is left to `output`), one
        ``<router>.route`` per choice of a route, then ``response``, ``status`` (as HTTP has
        it: 200 answered, 400, 404, 500) and ``error`` (what failed where; missing if nothing;
        with status 200, what a Soft dependency of KServe's has forgiven).
        A response that is a table has a column ``response.<name>`` for each of its own. Whole
        numbers beside a missing one have the nullable dtype, ``Int64``.
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
        if self._like is not None:
            columns = self._like._known_columns(output)
            return output.columns() if columns is None else columns
        columns = output.columns()
        if all(isinstance(values, pd.arrays.ArrowStringArray) for values in columns.values()):
            # Texts take long to make, and no memory where a frame holds them already.
            self._shown[output.path] = columns
        return columns

    def _known_columns(self, output: Output) -> Mapping[str, Any] | None:
        """The columns of just these answers, if they are also this run's; they are kept."""
        path, own = output.path, self._output_at.get(output.path)
        if own is None or not own.is_same(output):
            return None
        if path not in self._shown:
            self._shown[path] = own.columns()
        return self._shown[path]

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

    @functools.cached_property
    def _record(self) -> Record:
        return Record(self._visits, len(self), self._starts)

    @property
    def _starts(self) -> list[int]:
        """Where each chunk begins."""
        return [int(chunk.positions[0]) for chunk in self._chunks if len(chunk)]

    def _again(self, root: Node, others: Mapping[str, Node], *, ask: bool) -> Self:
        """Go through the run again, with other routers by path; `WhatIf` says who they are.

        ``root`` is the run's with them in it, for whoever looks at its nodes.
        """
        replay = Replay(self._record, others, self._root, ask)
        outcome = execute_again(self._root, self._chunks, replay, seed=self.seed)
        run = type(self)(
            self.graph, root, self._events, outcome,
            seed=self.seed, as_sent=self._as_sent, settled=self._settled,
        )  # fmt: skip
        run.complete = self.complete
        run._like = self._like or self
        run._record = Record(outcome.visits, len(self), self._starts, self._record)
        run.keep(self._columns)
        return run

    def _response(self) -> Output:
        parts = [(answer.positions, answer.bodies) for answer in self._answers if len(answer)]
        ends = self._root.ends if isinstance(self._root, Flow) else ()
        # Probabilities are told by class, as in the model's own columns.
        node = ends[0] if len(ends) == 1 and isinstance(ends[0], Model) else None
        is_table = not is_json(self._events.bodies)
        return Output(
            "response", "response", node, parts, len(self), is_response=True, is_table=is_table
        )


def _no_texts(size: int) -> Any:
    """So many missing texts."""
    import pyarrow as pa  # Which pandas keeps its texts in.

    dtype: Any = pd.array([], dtype="str").dtype
    return dtype.__from_arrow__(pa.nulls(size, pa.large_string()))

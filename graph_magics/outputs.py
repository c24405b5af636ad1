"""What each node of a run answered, as columns under the events' index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from .bodies import Bodies, Mixed, Samples, object_array, plain, take
from .columns import ANSWER_KEYS
from .context import Visit
from .errors import GraphError, listed, near
from .joining import join
from .nodes import Node
from .routers import Ensemble, ParallelRun
from .steps import Model, Step
from .wire import read_all

#: Below it floats hold every whole number.
_EXACT = 2.0**53
#: Columns of every frame: no node's column may be called so.
RESERVED = ("response", "status", "error")


Part = tuple[np.ndarray, Bodies]


@dataclass
class Output:
    """The answers of one node to all events of a run.

    Parameters
    ----------
    path : str
        The node's dotted path.
    column : str
        What its column is called: its name, or the path if the name stands twice.
    node : Node or None
    parts : list of (ndarray, Bodies)
        Positions and answers, as they came.
    size : int
        How many events the run has.
    routes : sequence of str or None
        If the node chooses routes: which there are, and then
    choices : list of (ndarray, ndarray)
        the positions and the choices.
    is_table : bool
        Whether the events of the run are rows of a table.
    as_sent : bool
        Whether a cell holds the whole JSON body, not only its samples.
    """

    path: str
    column: str
    node: Node | None
    parts: list[Part]
    size: int
    routes: Sequence[str] | None = None
    choices: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    is_response: bool = False
    is_table: bool = False
    as_sent: bool = False

    def columns(self) -> dict[str, Any]:
        """What of it stands in `Run.frame`."""
        columns = {name: self.spread(values) for name, values in self._values().items()}
        if self.routes is not None:
            columns[f"{self.column}.route"] = self._routes_chosen()
        return columns

    def is_same(self, other: Output) -> bool:
        """Whether another output holds the very same answers and choices, not only equal ones."""
        mine, theirs = [*self.parts, *self.choices], [*other.parts, *other.choices]
        return len(mine) == len(theirs) and all(
            one[0] is two[0] and one[1] is two[1] for one, two in zip(mine, theirs, strict=True)
        )

    def is_told_by(self, response: Output) -> bool:
        """Whether the response is this node's answer, a value for each event."""
        if len(self.parts) != 1 or not self.is_same(response):
            return False
        bodies = self.parts[0][1]
        return isinstance(bodies, (np.ndarray, ExtensionArray)) and bodies.ndim == 1

    def answered(self, column: str) -> Any:
        """What a column of these is made of: the values of the answered events; None if of none."""
        return self._values().get(column)

    def whole(self, index: pd.Index) -> pd.Series | pd.DataFrame:
        """All of it, tables included."""
        values = self.joined
        if isinstance(values, pd.DataFrame):
            named = {name: self.spread(values[name].array) for name in values.columns}
            return pd.DataFrame(named, index=index)
        columns = self._values(tables=True)
        if list(columns) == [self.column]:
            return pd.Series(self.spread(columns[self.column]), index=index, name=self.column)
        return pd.DataFrame({n: self.spread(v) for n, v in columns.items()}, index=index)

    @cached_property
    def positions(self) -> np.ndarray:
        """Which events were answered, ascending."""
        if len(self.parts) == 1:
            return self.parts[0][0]
        answered = np.zeros(self.size, dtype=bool)
        for positions, _ in self.parts:
            answered[positions] = True
        return np.flatnonzero(answered)

    @cached_property
    def joined(self) -> Any:
        """The answers to those events; of an event answered more than once, the first."""
        joined = self.parts[0][1] if len(self.parts) == 1 else self._first_answers()
        # One column cannot hold several kinds but as objects.
        joined = joined.tolist() if isinstance(joined, Mixed) else joined
        return read_all(joined) if isinstance(joined, list) else joined

    def _first_answers(self) -> Bodies:
        taken = np.zeros(self.size, dtype=bool)
        row = np.empty(self.size, dtype=np.int64)
        row[self.positions] = np.arange(len(self.positions))
        placed = []
        for positions, bodies in self.parts:
            new = np.flatnonzero(~taken[positions])
            taken[positions] = True
            some = bodies if len(new) == len(positions) else take(bodies, new)
            placed.append((row[positions[new]], some))
        return join(placed, len(self.positions))

    @property
    def labels(self) -> np.ndarray | None:
        """The class of each column of a probability answer."""
        if not isinstance(self.node, Model) or self.node.method == "predict":
            return None
        return self.node.classes

    def spread(self, values: Any) -> Any:
        """Values of the answered events, over all events: missing where there is none."""
        if isinstance(values, np.ndarray) and values.dtype == object:
            values = _inferred(values)
        if isinstance(values, np.ndarray) and values.dtype.kind == "U":
            values = pd.array(values, dtype="str")  # As a frame would, but only once.
        if len(self.positions) == self.size:
            return values
        if isinstance(values, np.ndarray) and values.dtype.kind in "iub":
            # The nullable twin of the dtype: labels stay whole numbers beside a missing one.
            values = pd.array(values)
        rows = np.full(self.size, -1)
        rows[self.positions] = np.arange(len(self.positions))
        return pd.api.extensions.take(values, rows, allow_fill=True)

    def _values(self, *, tables: bool = False) -> dict[str, Any]:
        """Columns for the answered events; none for a table, unless it is the response."""
        name, bodies = self.column, self.joined
        if not self.parts:
            if self.is_table and self.labels is not None:
                return {f"{name}.{label}": np.empty(0) for label in self.labels}
            return {name: object_array([])} if self._answers_values() else {}
        if isinstance(bodies, pd.DataFrame):
            if not self.is_response:
                return {}
            return {f"{name}.{column}": bodies[column].array for column in bodies.columns}
        if self.node is not None and self.node.answers_outputs:
            cells = self._cells(bodies)
            if cells is not None:
                return {name: cells}
        if isinstance(bodies, Samples):
            if self.is_response or self.as_sent:
                return {name: object_array(bodies.tolist())}
            if bodies.key in ANSWER_KEYS and not tables:
                return {}  # Features still, not answers.
            return {name: object_array(bodies.lists())}
        if isinstance(bodies, list):
            return {name: object_array(bodies)}
        if bodies.ndim == 1:
            return {name: bodies}
        if not (self.is_response or tables or (self.node and self.node.predicts)):
            return {}
        wide = np.asarray(bodies).reshape(len(bodies), -1)
        labels = self.labels
        if labels is None or len(labels) != wide.shape[1]:
            labels = np.arange(wide.shape[1])
        return {f"{name}.{label}": wide[:, place] for place, label in enumerate(labels)}

    def _cells(self, bodies: Bodies) -> Any:
        """The outputs of each event; of a row of a table, which is one sample, its one output."""
        if isinstance(bodies, Samples):
            if self.is_table and bodies.counts is None and getattr(bodies.values, "ndim", 2) == 1:
                return bodies.values
            lists: list[Any] = bodies.lists()
        elif isinstance(bodies, list):
            lists = [_outputs_of(body) for body in bodies]
        else:
            return None
        if self.is_table:
            lists = [c[0] if isinstance(c, list) and len(c) == 1 else c for c in lists]
        return object_array(lists)

    def _answers_values(self) -> bool:
        """Whether a node that no event reached would have answered with a value."""
        if isinstance(self.node, Step):
            return not self.node.batch
        return not isinstance(self.node, (Ensemble, ParallelRun))

    def _routes_chosen(self) -> Any:
        codes = np.full(self.size, -1, dtype=np.int16)
        for positions, choice in self.choices:
            codes[positions] = choice
        return pd.Categorical.from_codes(codes, categories=pd.Index(self.routes or ()))


def _inferred(values: np.ndarray) -> Any:
    """Objects in the dtype that they have in common, if it holds every one unchanged."""
    inferred = plain(pd.Series(values).infer_objects())
    if inferred.dtype != np.float64:
        return inferred
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind == "mixed-integer-float":
        large = values[np.abs(inferred) >= _EXACT]
        return inferred if all(isinstance(value, float) for value in large) else values
    if kind == "integer":
        # In the nullable dtype of whole numbers, as beside an event that failed.
        for dtype in ("Int64", "UInt64"):
            with suppress(OverflowError, TypeError, ValueError):
                return pd.array(values, dtype=dtype)
        return values
    return inferred


def _outputs_of(body: Any) -> Any:
    """What a model of MLRun's predicted; of an answer of another kind, all of it."""
    is_answer = isinstance(body, dict) and "outputs" in body and "model_name" in body
    return body["outputs"] if is_answer else body


def outputs_of(
    nodes: Mapping[str, Node],
    visits: Sequence[Visit],
    size: int,
    *,
    is_table: bool,
    as_sent: bool = False,
) -> list[Output]:
    """Collect what each node answered, in the order declared, routes before their router."""
    columns, outputs = columns_of(nodes), {}
    for path, node in nodes.items():
        column = columns[path]
        routes = list(node.children) if node.chooses else None
        outputs[path] = Output(
            path, column, node, [], size, routes, is_table=is_table, as_sent=as_sent
        )
    for visit in visits:
        output = outputs[visit.path]
        if len(visit.answered):
            output.parts.append((visit.answered.positions, visit.answered.bodies))
        if visit.choices is not None:
            output.choices.append((visit.received.positions, visit.choice))
    return [outputs[path] for path in _routes_first(nodes)]


def columns_of(nodes: Iterable[str]) -> dict[str, str]:
    """What the column of each node is called: its name, or its path if the name stands twice.

    >>> columns_of(["vote", "vote.a", "b", "b.a"])
    {'vote': 'vote', 'vote.a': 'vote.a', 'b': 'b', 'b.a': 'b.a'}
    """
    names = {path: path.rpartition(".")[2] for path in nodes}
    times = Counter(names.values())
    return {path: name if times[name] == 1 else path for path, name in names.items()}


def chosen(
    frame: pd.DataFrame, columns: Sequence[str] | None, *, strict: bool = True
) -> pd.DataFrame:
    """Keep only some columns of a run's frame, in its order.

    Parameters
    ----------
    columns : sequence of str or None
        Names of columns; ``vote`` stands for ``vote.benign``, too. All, if None.
    strict : bool
        Whether one that is not there is a mistake.

    Raises
    ------
    GraphError
        If there is no such column.
    """
    if columns is None:
        return frame
    names = [str(name) for name in frame.columns]
    if strict:
        for asked in columns:
            if not any(name == asked or name.startswith(f"{asked}.") for name in names):
                raise GraphError(
                    f"there is no column {asked!r}{near(asked, names)}; there are {listed(names)}"
                )
    wanted = tuple(f"{asked}." for asked in columns)
    kept = [name in columns or name.startswith(wanted) for name in names]
    return frame.loc[:, kept]


def _routes_first(nodes: Mapping[str, Node]) -> list[str]:
    """The paths, those of a router's routes before its own: a vote follows what was voted on."""
    inside: dict[str, list[str]] = {}
    for path in nodes:
        inside.setdefault(path.rpartition(".")[0], []).append(path)
    order: list[str] = []
    waiting = [(path, False) for path in reversed(inside.get("", []))]
    while waiting:
        path, is_done = waiting.pop()
        if is_done or path not in inside:
            order.append(path)
        else:
            waiting.append((path, True))
            waiting += [(child, False) for child in reversed(inside[path])]
    return order

"""`DaskRun`: a run whose events lie in partitions, answered where Dask has them."""

from __future__ import annotations

import html
import itertools
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import numpy as np
import pandas as pd

from .bodies import take
from .comparable import Comparable, Judged
from .engine import Events, is_dask, take_events
from .engine.chunks import starts_of
from .engine.events import check_names
from .engine.sources import source_of
from .errors import GraphError, counted
from .nodes import Node, stateful_in
from .running import Runnable
from .schema import Schema
from .shipping import Shipped
from .unkept import Unkept

try:
    import dask
    import dask.dataframe as dd
    from dask.system import CPU_COUNT
except ImportError as error:
    raise GraphError(
        f"Dask is not installed ({error}); install it with: pip install 'graph-magics[dask]'"
    ) from None

#: How many events are run beforehand, to know the columns.
SAMPLE = 100


class DaskRun(Comparable, Unkept):
    """What comes of events in the partitions of a Dask DataFrame; made by `Graph.run`.

    Nothing but a sample is run before it is asked for: by `compute`, or by Dask's own calls on
    `frame`. Then there is a task for each partition, run by the current ``distributed.Client``,
    or else by Dask's scheduler in this process. The answers are those of a run here.

    Attributes
    ----------
    graph : str
        The graph's name.
    seed : int
        The seed of the run's draws.
    frame : dask DataFrame
        The columns of `Run.frame`, in the partitions and under the index of the events. Whole
        numbers and truth values are nullable, for an event may fail.
    errors : dask DataFrame
        As `Run.errors`.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> import pandas as pd
    >>> from graph_magics import Graph
    >>> prices = dd.from_pandas(pd.DataFrame({"price": [50, 0, 20]}), npartitions=2)
    >>> run = Graph("shop", lambda event: 100 / event["price"]).run(prices)
    >>> run
    DaskRun of 'shop': 3 events in 2 partitions; .compute() gives the frame
    >>> run.frame.dtypes["status"]
    dtype('int16')
    >>> run.compute()["response"].tolist()
    [2.0, nan, 5.0]
    """

    where = "it runs on Dask"

    def __init__(
        self,
        graph: str,
        seed: int,
        lengths: Sequence[int],
        schema: Schema,
        frame: Any,
        errors: Any,
        nodes: Mapping[str, Node],
    ) -> None:
        self.graph = graph
        self.seed = seed
        self.frame = frame
        self.errors = errors
        self._lengths = list(lengths)
        self._schema = schema
        self._nodes = nodes

    def __len__(self) -> int:
        return sum(self._lengths)

    def compute(self) -> pd.DataFrame:
        """Answer all events, and bring the frame here.

        Returns
        -------
        DataFrame
            As `Run.frame` is, dtypes included.
        """
        with _quiet():
            return self._schema.narrowed(self.frame.compute())

    def persist(self) -> DaskRun:
        """Answer all events, and keep what came of them where it is.

        What is asked of `frame` and `errors` then does not run the graph again.
        """
        with _quiet():
            frame, errors = dask.persist(self.frame, self.errors)
        return DaskRun(
            self.graph, self.seed, self._lengths, self._schema, frame, errors, self._nodes
        )

    def _judged(self, y: Any) -> Judged:
        from .judging import judged_in

        return judged_in(self.compute(), self._nodes, y)

    def _here(self, given: Any) -> Any:
        return given.compute() if is_dask(given) else given

    def __repr__(self) -> str:
        number = counted(len(self._lengths), "partition")
        events = counted(len(self), "event")
        return f"DaskRun of {self.graph!r}: {events} in {number}; .compute() gives the frame"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.frame._repr_html_()}"


def run_on_dask(
    graph: Runnable,
    events: Any,
    *,
    seed: int,
    on_error: Literal["keep", "raise"] = "keep",
    chunk_size: int | None = None,
) -> DaskRun:
    """Run a graph over the partitions of a Dask DataFrame, or over other events in parts.

    Parameters
    ----------
    graph : Graph
    events : dask DataFrame, Series or Bag, or whatever `Graph.run` takes
        The partitions of the former are taken as they are. Their lengths must be known, since
        draws go by an event's number in the whole run: so they are computed, once, together
        with a few events of each.
    seed, on_error
        As in `Graph.run`.
    chunk_size : int, optional
        How many events a partition has, where there are none yet; else how many of them a
        partition hands on at once.

    Raises
    ------
    GraphError
        If steps may remember events, which then must come in order, or cannot be sent to
        another process.
    """
    try:
        parts = (
            _dasks(events)
            if is_dask(events)
            else _cut(source_of(events).whole(), graph, chunk_size)
        )
        stateful = stateful_in(graph.nodes)
        if stateful and len(parts.lengths) > 1:
            raise GraphError(
                f"it may remember the events before, so they cannot be run in "
                f"{counted(len(parts.lengths), 'partition')} at once; run them here, or as "
                "events.repartition(npartitions=1)",
                node=stateful[0],
            )
        shipped = Shipped(graph, is_made_anew=bool(stateful))
        if stateful or _client() is not None:
            shipped.pack()
    except GraphError as error:
        raise error.at(graph=graph.name) from None
    sample = shipped.run(take_events(parts.sample), seed)
    schema = Schema(sample)
    task = _Task(schema, seed, chunk_size if is_dask(events) else None, on_error == "raise")
    frame, errors = _lazy(shipped, task, parts, schema.meta, sample.errors.iloc[:0])
    return DaskRun(graph.name, seed, parts.lengths, schema, frame, errors, sample._nodes)


def _lazy(
    shipped: Shipped, task: _Task, parts: _Parts, meta: pd.DataFrame, no_errors: pd.DataFrame
) -> tuple[Any, Any]:
    """The frame and the errors: both of what a partition's one task gives."""
    token = uuid4().hex
    # Each has one key that all tasks share, so that it goes to a worker once.
    graph = dask.delayed(shipped, name=f"graph-{token}", traverse=False)
    told = dask.delayed(task, name=f"task-{token}", traverse=False)
    answer = dask.delayed(_answered, pure=False)
    firsts = itertools.accumulate(parts.lengths, initial=0)
    both = [
        answer(graph, told, part, number, first, length, dask_key_name=f"answers-{token}-{number}")
        for number, (part, first, length) in enumerate(
            zip(parts.partitions, firsts, parts.lengths, strict=False)
        )
    ]
    # Else Dask makes texts of whatever objects an answer is.
    with dask.config.set({"dataframe.convert-string": False}):
        frame, errors = (
            dd.from_delayed(
                [pair[place] for pair in both],
                meta=empty,
                divisions=parts.divisions,
                verify_meta=False,
            )
            for place, empty in enumerate((meta, no_errors))
        )
    return frame, errors


@dataclass(frozen=True)
class _Task:
    """What all partitions are run with."""

    schema: Schema
    seed: int
    chunk_size: int | None
    stop: bool


def _answered(
    shipped: Shipped, task: _Task, part: Any, number: int, first: int, length: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run one partition: its frame, and its errors."""
    where = f"partition {number}"
    events = _events_of(part, first)
    if len(events) != length:
        raise GraphError(
            f"{where} has {counted(len(events), 'event')} now, and had {length:,} when the run "
            "was made; make the run again, over events that stay as they are"
        )
    run = shipped.run(events, task.seed, first=first, chunk_size=task.chunk_size, stop=task.stop)
    fitted = task.schema.fitted(run, where)
    return fitted, run.errors


@dataclass(frozen=True)
class _Parts:
    """Events in partitions: what they are, how many, and a few events of all."""

    partitions: Sequence[Any]
    lengths: Sequence[int]
    sample: Any
    divisions: tuple[Any, ...] | None


def _cut(events: Events, graph: Runnable, size: int | None) -> _Parts:
    """Cut events that are here into parts."""
    total = len(events)
    starts = starts_of(graph.root, total, _cores(), size)
    some = [events.part(start, end) for start, end in itertools.pairwise([*starts, total])]
    partitions = [dask.delayed(part, name=f"events-{uuid4().hex}", traverse=False) for part in some]
    places = np.unique(np.linspace(0, total - 1, min(SAMPLE, total)).astype(int))
    sample: Any = take(events.bodies, places)
    return _Parts(
        partitions, [len(part) for part in some], sample, _divisions(events.index, starts)
    )


def _divisions(index: pd.Index, starts: Sequence[int]) -> tuple[Any, ...] | None:
    """Where the parts begin, for Dask, which takes it only of labels that ascend."""
    if not len(index) or isinstance(index, pd.MultiIndex) or index.hasnans:
        return None
    if not (index.is_monotonic_increasing and index.is_unique):
        return None
    return (*(index[start] for start in starts), index[-1])


def _dasks(events: Any) -> _Parts:
    """The partitions of a collection of Dask's, whose lengths are computed."""
    if not (isinstance(events, (dd.DataFrame, dd.Series)) or _is_bag(events)):
        raise GraphError(
            "of Dask's collections events may be a DataFrame, a Series or a Bag of JSON bodies, "
            f"got {type(events).__name__}; see dask.dataframe.from_dask_array, from_delayed"
        )
    if isinstance(events, dd.DataFrame):
        check_names(events.columns)
    partitions = events.to_delayed()
    look = dask.delayed(_looked_at, pure=False)
    most = -(-SAMPLE // len(partitions))
    looked: Any = dask.compute(*(look(part, most) for part in partitions))
    lengths = [length for length, _ in looked]
    samples = [sample for _, sample in looked]
    if _is_bag(events):
        return _Parts(partitions, lengths, [*itertools.chain(*samples)], None)
    divisions = events.divisions if events.known_divisions else None
    filled = [some for some in samples if len(some)] or samples[:1]
    return _Parts(partitions, lengths, pd.concat(filled), divisions)


def _is_bag(events: Any) -> bool:
    bags = sys.modules.get("dask.bag")
    return bags is not None and isinstance(events, bags.Bag)


def _looked_at(part: Any, most: int) -> tuple[int, Any]:
    """How many events a partition has, and some of them, from all over it."""
    if not isinstance(part, (pd.DataFrame, pd.Series)):
        part = list(part)
    places = np.unique(np.linspace(0, len(part) - 1, min(most, len(part))).astype(int))
    if isinstance(part, list):
        return len(part), [part[place] for place in places]
    return len(part), part.iloc[places]


def _events_of(part: Any, first: int) -> Events:
    if isinstance(part, Events):
        return part
    if isinstance(part, (pd.DataFrame, pd.Series)):
        return take_events(part)
    bodies = list(part)  # A bag's.
    return Events(bodies, pd.RangeIndex(first, first + len(bodies)))


def _client() -> Any:
    """The current client of a cluster, if there is one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def _cores() -> int:
    client = _client()
    threads: Mapping[str, int] = {} if client is None else client.nthreads()
    return sum(threads.values()) or CPU_COUNT


def _quiet() -> Any:
    """Hold Dask's advice not to send much with the tasks: a model is sent once, as must be."""
    if "distributed" not in sys.modules:
        # Were it first imported in here, its configuration would be taken away with ours.
        return nullcontext()
    return dask.config.set({"distributed.admin.large-graph-warning-threshold": "10 GB"})

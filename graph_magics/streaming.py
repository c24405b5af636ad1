"""Runs any amount of events, a chunk at a time, and writes what comes of each at once."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .comparable import Comparable, Judged
from .engine import Events, Executor
from .engine.events import JSON_CHUNK
from .engine.progress import Progress
from .engine.sources import Source, chunks_of
from .engine.threads import Behind
from .errors import GraphError, counted, one_line
from .failures import table_of
from .fingerprints import fingerprint as fingerprint_of
from .forms import forms_in
from .nodes import stateful_in, walk
from .outputs import chosen
from .reweighting import weights_by_router
from .run import Run, RunInterrupted
from .running import Runnable, run_part
from .sinks import Staging
from .unkept import Unkept

if TYPE_CHECKING:
    from .drawing.picture import Drawing, Renderer

MOST_ERRORS = 10_000
"""Of how many failed events `StreamedRun.errors` tells."""


class StreamedRun(Comparable, Unkept):
    """What came of events that were run a chunk at a time; made by ``graph.run(..., into=...)``.

    Nothing of a finished chunk is kept in memory but counts, and the first failures.

    Attributes
    ----------
    graph : str
        The graph's name.
    seed : int
        The seed of the run's draws.
    path : str
        The output, as it was asked for.
    complete : bool
        Whether all events are run and the output is in place.
    failed : int
        How many events failed.

    Examples
    --------
    >>> import tempfile
    >>> from graph_magics import Graph
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = Graph("g", abs).run(iter([[3, -4], [5]]), into=f"{folder}/out.jsonl")
    ...     print(Path(run.path).read_text().splitlines()[1])
    ...     run.complete, len(run), run.frame["response"].tolist()
    {"abs":4,"response":4,"status":200,"error":null}
    (True, 3, [3, 4, 5])
    """

    where = "it was written out chunk by chunk"

    def __init__(self, graph: Runnable, staging: Staging, seed: int) -> None:
        self.graph = graph.name
        self.seed = seed
        self.path = staging.path
        self.failed = 0
        self._root = graph._started()
        self._staging = staging
        self._events = 0
        self._chunks = 0
        self._errors: list[pd.DataFrame] = []
        self._traffic: dict[str, list[float]] = {}
        self._edges: dict[tuple[str, str], tuple[int, int]] = {}
        self._head: pd.DataFrame | None = None

    @property
    def complete(self) -> bool:
        """Whether all events are run and the output is in place."""
        return self._staging.is_whole

    def __len__(self) -> int:
        return self._events

    @property
    def frame(self) -> pd.DataFrame:
        """The output, read back: `Run.frame`, as far as its format holds it.

        Of a run that was broken off, what is there of it.
        """
        return self._staging.frame()

    @property
    def errors(self) -> pd.DataFrame:
        """The first 10,000 events that failed, as in `Run.errors`; ``failed`` counts all."""
        return pd.concat(self._errors).iloc[:MOST_ERRORS] if self._errors else table_of([])

    def _judged(self, y: Any) -> Judged:
        from .judging import judged_in

        return judged_in(self.frame, dict(walk(self._root)), y)

    def draw(self, path: str | Path | None = None, *, renderer: Renderer | None = None) -> Drawing:
        """Draw the graph with what all chunks saw: events, errors and the time of each.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it, as ``.svg``, ``.png`` or ``.pdf``.
        renderer : {"wasm", "dot"}, optional
            See `Graph.draw`.
        """
        from .drawing.picture import Drawing
        from .traffic import Carried, Seen, Traffic

        seen = {
            path: Seen(int(events), int(errors), seconds / events, int(refused), int(filtered))
            for path, (events, errors, seconds, refused, filtered) in self._traffic.items()
        }
        edges = {edge: Carried(*counts) for edge, counts in self._edges.items()}
        traffic = Traffic(len(self), seen, edges)
        drawing = Drawing(self.graph, self._root, traffic, renderer=renderer)
        if path is not None:
            drawing.save(path)
        return drawing

    def __repr__(self) -> str:
        where = self.path if self.complete else self._staging.unfinished
        text = f"Run of {self.graph!r}: {counted(len(self), 'event')}, "
        text += f"{len(self) - self.failed:,} answered, {self.failed:,} failed; in {where!r}"
        return text if self.complete else f"{text}, broken off"

    def _repr_html_(self) -> str:
        text = f"<p>{html.escape(repr(self))}</p>"
        if self._head is None:
            return text
        more = f"<p>… {len(self) - 5:,} more in .frame</p>" if len(self) > 5 else ""
        return text + self._head.to_html(border=0, max_cols=20) + more

    def _take(
        self, part: Run, frame: pd.DataFrame, forms: list[dict[str, Any]], number: int
    ) -> None:
        """Write a chunk, from that event on, and count it."""
        errors = part.errors.iloc[: MOST_ERRORS - sum(map(len, self._errors))]
        seen = part._traffic()
        traffic = {
            path: [s.events, s.errors, (s.seconds or 0.0) * s.events, s.refused, s.filtered]
            for path, s in seen.nodes.items()
        }
        edges = [[*edge, *carried] for edge, carried in seen.edges.items()]
        note = {
            "events": len(part),
            "failed": len(part._failures),
            "traffic": traffic,
            "edges": edges,
            "forms": forms,
        }
        kept = errors if len(errors) else None
        self._staging.write(frame, number, note, kept)
        if self._head is None:
            self._head = frame.head(5).copy()
        self._count(note, kept)

    def _count(self, note: dict[str, Any], errors: pd.DataFrame | None) -> None:
        self._chunks += 1
        self._events += note["events"]
        self.failed += note["failed"]
        for path, some in note["traffic"].items():
            held = self._traffic.setdefault(path, [0.0] * len(some))
            self._traffic[path] = [a + b for a, b in zip(held, some, strict=True)]
        for source, path, times, events in note.get("edges", ()):
            before = self._edges.get((source, path), (0, 0))
            self._edges[source, path] = (before[0] + times, before[1] + events)
        if errors is not None:
            self._errors.append(errors)


class StreamError(GraphError):
    """A streamed run was broken off; ``run`` is what there is of it."""

    run: StreamedRun


class StreamInterrupted(RunInterrupted):
    """A streamed run was stopped; ``run`` is what there is of it."""

    def __init__(self, run: StreamedRun, how: str) -> None:
        KeyboardInterrupt.__init__(self, run, how)
        self.run: Any = run
        self._how = how

    def __str__(self) -> str:
        return f"graph {self.run.graph!r}: stopped; {self._how or 'no chunk was finished'}"


def stream(
    graph: Runnable,
    source: Source,
    into: Any,
    *,
    seed: int,
    chunk_size: int | None,
    columns: Sequence[str] | None,
    stop: bool,
    resume: bool,
    overwrite: bool,
    progress: bool | None = False,
    executor: Executor | None = None,
) -> StreamedRun:
    """Run all events of a source into an output; see `Graph.run`."""
    fingerprint = source.fingerprint
    if resume and fingerprint is None:
        raise GraphError(
            "an iterator cannot be gone on with, as what it gave is gone; hand over files, or a "
            "table or list, to resume"
        )
    stateful = stateful_in(graph.nodes)
    if resume and stateful:
        raise GraphError(
            "may remember the events before, so a run cannot be gone on with in their midst; "
            "run all with overwrite=True",
            node=stateful[0],
        )
    staging = Staging(into)
    size = int(chunk_size or _chunk_size(graph, source))
    told = {
        "graph": repr(graph),
        "weights": weights_by_router(graph.nodes),
        "seed": seed,
        "chunk_size": size,
        "columns": None if columns is None else list(columns),
        "source": fingerprint,
        "nodes": fingerprint_of(graph.root, getattr(graph, "_served", None)),
    }
    run = StreamedRun(graph, staging, seed)
    for note, errors in staging.begin(told, resume=resume, overwrite=overwrite):
        run._count(note, errors)
    if len(run):
        run._head = staging.head()
    memory: dict[Any, Any] = {}
    advice = "resume=True to go on"
    if fingerprint is None or stateful:
        advice = "overwrite=True to begin anew"
    try:
        number = len(run)
        with Progress(source.total, shown=progress) as bar, Behind() as behind:
            bar.done(number, run.failed)
            chunks = chunks_of(source, size, skip=number)
            while (events := _next(chunks)) is not None:
                part = run_part(
                    graph, events, seed, first=number, memory=memory, stop=stop,
                    chunk_size=size if executor is None else None, executor=executor,
                )  # fmt: skip
                forms = forms_in(part)
                frame = _kept(part.frame, columns, forms, strict=not number)
                behind.do(partial(run._take, part, frame, forms, number))
                number += len(part)
                bar.done(len(part), len(part._failures))
                del events, part, frame, forms  # Not to be held while the next chunk is waited for.
        if not run._chunks:  # No events at all have columns all the same.
            part = run_part(graph, source.whole(), seed, memory=memory)
            run._take(part, chosen(part.frame, columns, strict=False), forms_in(part), 0)
        if run._head is not None and not {*run._head} <= {*staging.layout.schema.names}:
            run._head = staging.head()
        staging.finish()
    except _Unread as unread:
        error = unread.error
        if isinstance(error, GraphError) and fingerprint is not None:
            # A file that is mended is another, which no run can be gone on with.
            advice += ", or, if a file must be mended first, with overwrite=True"
        raise _broken_off(error, run, advice) from error.__cause__
    except BaseException as error:
        raise _broken_off(error, run, advice) from error.__cause__
    return run


def _kept(
    frame: pd.DataFrame,
    columns: Sequence[str] | None,
    forms: list[dict[str, Any]],
    *,
    strict: bool,
) -> pd.DataFrame:
    """The columns of a chunk that are wanted, and what may be needed to make them of."""
    kept = chosen(frame, columns, strict=strict)
    if columns is None:
        return kept
    if any(told["responds"] and "keys" in told for told in forms):
        return chosen(frame, [*columns, "response"], strict=False)
    # Without columns there would be no rows.
    return kept if len(kept.columns) else chosen(frame, ["status"])


def _chunk_size(graph: Runnable, source: Source) -> int:
    """How many events are run at once; fewer, where each of them takes its time."""
    slow = any(node.goes_by_event for node in graph.nodes.values())
    return min(source.chunk_size, JSON_CHUNK) if slow else source.chunk_size


class _Unread(Exception):
    """The next chunk could not be read, for an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _next(chunks: Iterator[Events]) -> Events | None:
    try:
        return next(chunks, None)
    except Exception as error:
        raise _Unread(error) from None


def _broken_off(error: BaseException, run: StreamedRun, advice: str) -> BaseException:
    """The error to raise for one that broke a run off: it says how to go on."""
    staging = run._staging
    how = ""
    if run._chunks:
        how = f"{counted(len(run), 'event')} are done and kept in {staging.unfinished!r}; "
        how += f"run it again with {advice}"
    else:
        staging.remove()
    if isinstance(error, GraphError):
        error.message = f"{error.message}; {how}" if how else error.message
        error.run = run  # type: ignore[attr-defined]
        return error
    if isinstance(error, KeyboardInterrupt):
        return StreamInterrupted(run, how)
    if not isinstance(error, Exception):
        return error
    told = StreamError(f"{one_line(error)}; {how}" if how else one_line(error), graph=run.graph)
    told.run = run
    told.__cause__ = error
    return told

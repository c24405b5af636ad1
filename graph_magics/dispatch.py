"""`Runs`: events through a graph, at once, streamed, or on Dask."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from .engine import Executor, is_dask
from .engine.sources import source_of
from .errors import GraphError
from .run import Run
from .running import Runnable, run_part

if TYPE_CHECKING:
    from .distributed import DaskRun
    from .streaming import StreamedRun

    _Base = Runnable
else:
    _Base = object


class Runs(_Base):
    """How events are run through a graph; a part of `Graph`."""

    @overload
    def run(self, events: Any, *, engine: Literal["dask"], **options: Any) -> DaskRun: ...

    @overload
    def run(self, events: Any, *, into: str | PathLike[str], **options: Any) -> StreamedRun: ...

    @overload
    def run(
        self,
        events: Any,
        *,
        engine: Literal["local"] = ...,
        into: None = None,
        **options: Any,
    ) -> Run: ...

    def run(  # type: ignore[misc]
        self,
        events: Any,
        *,
        seed: int = 0,
        on_error: Literal["keep", "raise"] = "keep",
        chunk_size: int | None = None,
        engine: Literal["local", "dask"] = "local",
        executor: Executor | None = None,
        progress: bool | None = None,
        into: Any = None,
        columns: Sequence[str] | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> Any:
        """Run a batch of events through the graph.

        Parameters
        ----------
        events : DataFrame, Series, ndarray, list of JSON bodies, one JSON body (a dict), or path
            A row, item or body for each event. Never changed. With a manifest, a body may be
            bytes, and a row of a table is sent as ``{"instances": [{column: value}]}``.

            A path, glob or URL that fsspec knows, or a list of such, is of JSON Lines
            (``.jsonl``, ``.ndjson``) or CSV, which may be compressed (``.gz``, ``.bz2``,
            ``.xz``, ``.zst``), or of Parquet; a folder, of the Parquet files in it. An
            iterator gives frames, arrays, lists of bodies, or single bodies.
        seed : int
            Of the draws of Splitters; the same seed draws the same.
        on_error : {"keep", "raise"}
            Whether an event that fails keeps its error in its row, or stops the run.
        chunk_size : int, optional
            How many events to hand on at once, to bound memory; it changes no answer. With
            ``into``, if absent, rows of a table up to 4,000,000 cells and 262,144 rows; but
            8,192 events if they are JSON bodies, or if a step is called for each by itself.
        engine : {"local", "dask"}
            Where it runs: here, or by Dask's scheduler or current client, as with a Dask
            DataFrame as events. None changes an answer.
        executor : {"thread", "process"}, optional
            Whether chunks of the events are run at the same time, as many as there are cores: on
            threads, for steps that wait or let other threads run, or in processes of this
            machine, for Python code that does not. The graph is sent to each process once, so
            its parts must be such as can be pickled; what they change there stays there.
            Refused where events must come in order, and, unless ``chunk_size`` is given, where
            a function is given the whole table. If absent, one chunk at a time is run, and each
            model does of its rows what was seen to be quicker, see `Model`.
        progress : bool, optional
            Whether a bar shows how far it is; if absent, after half a second. It counts chunks
            that are done, so a run of a single chunk has none.
        into : str or path, optional
            Where to write what comes out, chunk by chunk: only one chunk is in memory at a
            time. ``"out/"`` is a folder of Parquet files, one for each chunk; or one file, that
            ends in ``.parquet``, ``.jsonl``, ``.jsonl.gz``, ``.csv`` or ``.csv.gz``. It is
            there when all is done; until then ``out.unfinished`` holds the finished chunks. A
            cell that is a list or an object is JSON text in Parquet and CSV; so is a column
            whose values have no type in common. The index is written where it is not just the
            event's number. Columns and cells are those of the run in memory, wherever chunks end,
            but for a step in the middle that answers flat objects of the same fields in some
            chunks, and others in others: its column lacks the former.
        columns : sequence of str, optional
            The columns of the frame that are kept; ``"vote"`` stands for ``"vote.benign"``, too.
        resume : bool
            With ``into``: go on after the last finished chunk of a run that was broken off. It
            must be the same run: events, seed, columns, chunk size and graph, down to the code
            of its functions; what models have learnt is not compared, nor what lists and other
            objects hold that functions use. What comes out is the same to the last byte.
            Refused for a graph with classes of MLRun's that may remember the events before.
        overwrite : bool
            With ``into``: replace what is there.

        Returns
        -------
        Run
            Of Dask's engine a `DaskRun`, whose ``frame`` is lazy. With ``into`` a
            `StreamedRun`, whose ``frame`` reads the output back.

        Raises
        ------
        GraphError
            If the events are none of the above.
        EventError
            With ``on_error="raise"``, for the first event that failed.
        RunInterrupted
            If it is stopped, as by the notebook's button; what is done by then is its ``run``.

        Examples
        --------
        >>> from graph_magics import Graph
        >>> Graph("g", abs).run([3, -4]).frame["response"].tolist()
        [3, 4]
        """
        if on_error not in ("keep", "raise"):
            raise GraphError(f'on_error must be "keep" or "raise", got {on_error!r}')
        if not _is_whole(seed):
            raise GraphError(f"seed must be a whole number, got {seed!r}")
        if chunk_size is not None and (not _is_whole(chunk_size) or chunk_size < 1):
            raise GraphError(f"chunk_size must be a whole number from 1 on, got {chunk_size!r}")
        if engine not in ("local", "dask"):
            raise GraphError(f'engine must be "local" or "dask", got {engine!r}')
        if executor not in (None, "thread", "process"):
            raise GraphError(f'executor must be "thread" or "process", got {executor!r}')
        if into is None and (resume or overwrite):
            raise GraphError("resume and overwrite are of an output: say into='out/'")
        if isinstance(columns, str):
            raise GraphError(f"columns must be a list of names, got the text {columns!r}")
        if engine == "dask" or is_dask(events):
            if executor is not None:
                raise GraphError("executor is of runs here: Dask has workers of its own")
            if into is not None or columns is not None:
                raise GraphError(
                    "into and columns are not for Dask, whose frame is lazy: "
                    "run.frame[columns].to_parquet(into)"
                )
            from .distributed import run_on_dask

            return run_on_dask(
                self, events, seed=int(seed), on_error=on_error, chunk_size=chunk_size
            )
        stop = on_error == "raise"
        try:
            source = source_of(events)
            if into is not None:
                from .streaming import stream

                return stream(
                    self, source, into, seed=int(seed), chunk_size=chunk_size, columns=columns,
                    stop=stop, resume=resume, overwrite=overwrite, progress=progress,
                    executor=executor,
                )  # fmt: skip
            taken = source.whole()
        except GraphError as error:
            raise error.at(graph=self.name) from error.__cause__
        made = run_part(
            self, taken, int(seed), chunk_size=chunk_size, stop=stop, progress=progress,
            executor=executor,
        )  # fmt: skip
        made.keep(columns)
        return made


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)

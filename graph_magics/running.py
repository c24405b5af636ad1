"""A run in this process: events in memory through a graph, with what came of them by a stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .binding import refuse_unbound
from .blame import raise_first
from .engine import Done, Events, Executor, Interrupts, Outcome, execute
from .errors import GraphError
from .exchanges import Exchange
from .nodes import Node
from .run import Run, RunInterrupted


class Runnable(Protocol):
    """What a run, and those who run events in parts, ask of a graph."""

    @property
    def root(self) -> Any:
        """The flow of its steps."""
        ...

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by its dotted path."""
        ...

    @property
    def _exchange(self) -> Exchange: ...

    @property
    def _unbound(self) -> list[str]: ...

    name: str

    def _started(self) -> Any: ...


def run_part(
    graph: Runnable,
    events: Events,
    seed: int,
    *,
    first: int = 0,
    memory: dict[Any, Any] | None = None,
    chunk_size: int | None = None,
    stop: bool = False,
    progress: bool | None = False,
    executor: Executor | None = None,
) -> Run:
    """Run events, which may be a part of a run: from its event number ``first`` on.

    Parameters
    ----------
    memory : dict, optional
        What nodes keep from part to part: the same for all of a run.
    stop : bool
        Whether to raise what the first event fails with.
    chunk_size, progress, executor
        As in `Graph.run`.
    """
    refuse_unbound(graph._unbound, graph.name)
    exchange, root = graph._exchange, graph._started()
    taken = exchange.taken(events)

    def run_of(events: Events, outcome: Outcome) -> Run:
        return Run(
            graph.name, root, events, outcome,
            seed=seed, as_sent=exchange.as_sent, settled=exchange.settled,
        )  # fmt: skip

    done = Done()
    try:
        with Interrupts() as interrupts:
            outcome = execute(
                root, taken, seed=seed, chunk_size=chunk_size, stop_on_failure=stop,
                first=first, memory=memory, progress=progress, done=done,
                interrupts=interrupts, executor=executor,
            )  # fmt: skip
            run = run_of(taken, outcome)
    except GraphError as error:
        raise error.at(graph=graph.name) from error.__cause__
    except KeyboardInterrupt:
        run = run_of(taken.part(0, len(done)), done.outcome())
        run.complete = False
        raise RunInterrupted(run, len(taken)) from None
    if stop:
        raise_first(outcome, graph.nodes, graph=graph.name, index=taken.index)
    return run

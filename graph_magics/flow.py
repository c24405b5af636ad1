"""`Flow`: steps after steps, with branches and merges; what ``>>`` makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .batch import Batch
from .context import Context
from .errors import GraphError
from .failures import united
from .naming import caller, numbered, variable_of
from .nodes import Node, as_node


class Flow(Node):
    """Steps wired one after the other; made by ``a >> b``.

    A step with several steps before it runs once for each, in the order declared. The answer
    of an event is what first comes out of the last steps, in the order declared; an event
    that fails on any branch fails.

    Parameters
    ----------
    steps : sequence of Node
        None twice.
    wires : sequence of (Node, Node)
        Which step is given what another answered.

    Raises
    ------
    GraphError
        If the wires run in a cycle.
    """

    kind = "Flow"

    def __init__(
        self,
        steps: Iterable[Node],
        wires: Iterable[tuple[Node, Node]] = (),
        *,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.steps = tuple(dict.fromkeys(steps))
        self.wires = tuple(dict.fromkeys(wires))
        self._before: dict[Node, list[Node]] = {step: [] for step in self.steps}
        for source, target in self.wires:
            self._before[target].append(source)
        self._order = _in_order(self._before)
        self._names: dict[Node, str] | None = None

    @property
    def starts(self) -> tuple[Node, ...]:
        """The steps that the events come in at."""
        return tuple(step for step in self.steps if not self._before[step])

    @property
    def ends(self) -> tuple[Node, ...]:
        """The steps that the answers come out of."""
        sources = {source for source, _ in self.wires}
        return tuple(step for step in self.steps if step not in sources)

    def bind(self) -> None:
        """Fix the names of the steps: as given, else after the things, numbered where they repeat.

        Raises
        ------
        GraphError
            If two steps were given the same name.
        """
        given = [step.name for step in self.steps if step.name]
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise GraphError(f"two steps are called {twice[0]!r}; rename one")
        free = [step for step in self.steps if not step.name]
        names = numbered((step.natural_name() for step in free), given)
        self._names = {step: step.name or "" for step in self.steps}
        self._names.update(zip(free, names, strict=True))

    @property
    def names(self) -> Mapping[Node, str]:
        """The name of each step."""
        if self._names is None:
            self.bind()
        return self._names or {}

    @property
    def children(self) -> Mapping[str, Node]:
        """The steps by name, in the order declared."""
        return {name: step for step, name in self.names.items()}

    def with_children(self, children: Mapping[str, Node]) -> Flow:
        """Give the same flow with other steps of the same names."""
        other = {step: children[name] for step, name in self.names.items()}
        wires = [(other[source], other[target]) for source, target in self.wires]
        twin = Flow(other.values(), wires, name=self.name)
        twin._names = {other[step]: name for step, name in self.names.items()}
        return twin

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """The wires, by name."""
        names = self.names
        return [(names[source], names[target]) for source, target in self.wires]

    def run(self, batch: Batch, context: Context) -> Batch:
        """Run the steps, each on what the ones before it answered."""
        names, ends = self.names, self.ends
        answers: dict[Node, list[Batch]] = {}
        for step in self._order:
            before = self._before[step]
            received: list[tuple[str | None, Batch]] = [
                (names[source], some) for source in before for some in answers[source]
            ] or [(None, batch)]
            # What the flow answers with, whoever runs it takes as it wants to.
            run = context.ask if step in ends else context.run
            answers[step] = [
                run(names[step], step, some, after=source) for source, some in received
            ]
        last = [answer for end in ends for answer in answers[end]]
        return last[0] if len(last) == 1 else _first_answers(batch, last)


def _first_answers(batch: Batch, answers: Sequence[Batch]) -> Batch:
    """Each event's first answer; an event that failed anywhere has none."""
    failures = united(answer.failures for answer in answers)
    taken = np.isin(batch.positions, list(failures))
    parts = []
    for answer in answers:
        rows = np.searchsorted(batch.positions, answer.positions)
        new = ~taken[rows]
        taken[rows] = True
        parts.append((rows[new], answer.select(np.flatnonzero(new))))
    return batch.merge(parts, failures)


def join(left: Any, right: Any) -> Flow:
    """Wire every end of one flow to every start of another: what ``>>`` does."""
    first, then = as_flow(left), as_flow(right)
    between = [(end, start) for end in first.ends for start in then.starts]
    return Flow([*first.steps, *then.steps], [*first.wires, *then.wires, *between])


def union(flows: Iterable[Flow]) -> Flow:
    """Put flows together that may share steps."""
    flows = list(flows)
    return Flow(
        [step for flow in flows for step in flow.steps],
        [wire for flow in flows for wire in flow.wires],
    )


def as_flow(thing: Any) -> Flow:
    """Make a flow of a step, a list of branches, or whatever may stand where a step is expected."""
    if isinstance(thing, Flow) and thing.name is None:
        return thing
    if isinstance(thing, (list, tuple)):
        if not thing:
            raise GraphError("an empty list of branches; write at least one step")
        return union(as_flow(branch) for branch in thing)
    return Flow([as_node(thing)])


def _in_order(before: Mapping[Node, Sequence[Node]]) -> tuple[Node, ...]:
    """The steps, none before one that it waits for; else in the order declared."""
    waiting = dict.fromkeys(before)
    order: dict[Node, None] = {}
    while waiting:
        ready = next((step for step in waiting if all(a in order for a in before[step])), None)
        if ready is None:
            raise GraphError(f"the steps run in a cycle: {_cycle(list(waiting), before)}")
        del waiting[ready]
        order[ready] = None
    return tuple(order)


def _cycle(steps: Sequence[Node], befores: Mapping[Node, Sequence[Node]]) -> str:
    """The names along one cycle among these steps, each of which waits for another of them."""
    path = [steps[0]]
    while True:
        before = next(a for a in befores[path[-1]] if a in steps)
        if before in path:
            path = [before, *reversed(path[path.index(before) :])]
            break
        path.append(before)
    frame = caller()
    names = [
        step.name or variable_of(step, frame.f_locals, frame.f_globals) or step.natural_name()
        for step in path
    ]
    return " >> ".join(names)


Node.join = staticmethod(join)

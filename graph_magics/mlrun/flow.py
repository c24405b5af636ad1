"""`ServedFlow`: the topology ``flow`` of MLRun's graph server, over batches (MLRun 1.12)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy

import numpy as np

from ..batch import Batch
from ..context import Context
from ..errors import GraphError
from ..failures import Failure, united
from ..nodes import Node
from .base import Sent, ServedNode, Spread
from .declaring import ErrorStep, RootFlowStep
from .errors import err_to_str
from .events import GraphContext, events_of, heads_of, ids_of
from .lookup import Namespace
from .wiring import check_no_cycle, check_sync, followers_of, responder_of, starts_of

#: A step to go on to, with which events, and after which step.
_Going = tuple[str, Batch, str | None]


class Filtered(GraphError):
    """No step that answers was reached by the event: it was filtered, or sent nowhere."""

    status = 400


class ServedFlow(Node):
    """Steps that follow each other as they were declared.

    An event goes through the steps that follow one after the other, in the order declared: to
    the end of the first, then of the second. What comes first, an answer of the step that
    responds or a failure, is the event's. Without such a step the async engine answers with
    the event's id, and the sync engine with what the last step does.

    Parameters
    ----------
    declared : RootFlowStep
    nodes : mapping of str to Node
        The node of each declared step.

    Raises
    ------
    GraphError
        If the steps run in a cycle, several of them respond, or the sync engine has no such
        flow.
    """

    kind = "Flow"

    def __init__(self, declared: RootFlowStep, nodes: Mapping[str, Node]) -> None:
        self.name = None
        self.declared = declared
        self._nodes = dict(nodes)
        self._next = followers_of(declared)
        check_no_cycle(self._next)
        self._starts = starts_of(declared, self._next)
        self._responder = responder_of(declared, self._next)
        self._is_sync = declared.engine == "sync"
        if self._is_sync:
            check_sync(self._starts, self._next, self._nodes)
        for name, node in self._nodes.items():
            if isinstance(node, ServedNode):
                node.outlets = self._next[name]
                node.may_answer_bodies = self._is_sync and not self._next[name]
        self._one_by_one = self._come_in_turns()
        #: The steps that one other follows, and nothing else is to be seen to.
        self._plain_next = {
            name: followers[0]
            for name, followers in self._next.items()
            if len(followers) == 1 and not getattr(self._nodes[name], "spreads", False)
        }

    @property
    def children(self) -> Mapping[str, Node]:
        """The steps by name, in the order declared."""
        return self._nodes

    def with_children(self, children: Mapping[str, Node]) -> ServedFlow:
        """Give the same flow with other steps of the same names."""
        twin = copy(self)
        twin._nodes = dict(children)
        return twin

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """Who is followed by whom, error handlers included."""
        wires = [(a, b) for a, followers in self._next.items() for b in followers]
        handlers = [(n, s.on_error) for n, s in self.declared.steps.items() if s.on_error]
        return [*wires, *(wire for wire in handlers if wire not in wires)]

    @property
    def edge_labels(self) -> Mapping[tuple[str, str], str]:
        """Where failures go."""
        declared = self.declared.steps.items()
        return {(name, step.on_error): "on error" for name, step in declared if step.on_error}

    @property
    def entries(self) -> Collection[str]:
        """The steps that events come in at; a handler of the graph's errors is none."""
        return self._starts

    @property
    def dead_ends(self) -> Collection[str]:
        """The steps that nothing follows, where others answer."""
        if self._responder is None:
            return ()
        answering = {self._responder}
        ends = [name for name, followers in self._next.items() if not followers]
        return [name for name in ends if name not in answering and not self._ends(name)]

    @property
    def warnings(self) -> list[str]:
        """What may surprise: that a request is answered with nothing but its id."""
        if self._is_sync or self._responder is not None:
            return []
        steps = self.declared.steps.items()
        early = [name for name, step in steps if getattr(step, "responder", False)]
        if early:
            after = self._next[early[0]][0]
            return [
                f"the step {early[0]!r} responds and {after!r} follows it: MLRun answers with the "
                "event's id alone; let the last step respond"
            ]
        return [
            "no step responds, so that a request is answered with its id alone; "
            "write .respond() at the step whose answer it is"
        ]

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the objects of all steps."""
        for name, node in self._nodes.items():
            if isinstance(node, ServedNode):
                try:
                    node.start(server, namespace, mode)
                except GraphError as error:
                    raise error.at(node=name) from error.__cause__

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event; who comes to no step that answers fails."""
        if self._one_by_one and len(batch) > 1:
            rows = np.arange(len(batch))
            return batch.merge(
                [(rows[row : row + 1], self._run(batch.select(rows[row : row + 1]), context))
                 for row in rows]
            )  # fmt: skip
        return self._run(batch, context)

    def _run(self, batch: Batch, context: Context) -> Batch:
        found = _Found(batch)
        # Depth first, as an event goes in MLRun; on a stack, however long the flow is.
        waiting: list[_Going] = [(name, batch, None) for name in reversed(self._starts)]
        while waiting:
            name, some, source = waiting.pop()
            answer = context.ask(name, self._nodes[name], some.bare(), after=source)
            goes_on = self._plain_next.get(name)
            if goes_on and type(answer) is Batch and not (answer.failures or self._may_end(answer)):
                found.left(name, some, answer)
                waiting.append((goes_on, answer, name))
            else:
                waiting += reversed(list(self._after(name, some, answer, context, found)))
        if not self._is_sync and self._responder is None:
            return _with_ids(batch, context)
        return found.answer(self._responder)

    def _after(
        self, name: str, batch: Batch, answer: Batch, context: Context, found: _Found
    ) -> Iterator[_Going]:
        """Who goes on after a step, and to which one."""
        if answer.failures:
            yield from self._recovered(name, batch, answer.failures, context, found)
        yield from self._going(name, batch, answer, found)

    def _may_end(self, answer: Batch) -> bool:
        """Whether events may be over before the flow is: MLRun's sync engine has such."""
        return self._is_sync and answer.heads is not None

    def _going(self, name: str, received: Batch, answer: Batch, found: _Found) -> Iterator[_Going]:
        """Who goes on to which step; what is an answer already is noted."""
        followers = self._next[name]
        found.left(name, received, answer)
        if self._is_sync and answer.heads is not None:
            over = np.array([getattr(head, "terminated", False) for head in answer.heads])
            if over.any():
                found.take(answer.select(np.flatnonzero(over)))
                answer = answer.select(np.flatnonzero(~over))
        for part in answer.rounds if isinstance(answer, Spread) else [answer]:
            if not len(part):
                continue
            if isinstance(part, Sent):
                if followers:
                    for follower, some in _by_outlets(part, followers):
                        yield follower, some, name
                    continue
                here = [row for row, way in enumerate(part.outlets) if way is None]
                if not here:
                    continue
                part = part.select(np.array(here))
            if followers:
                some = part.bare()
                for follower in followers:
                    yield follower, some, name
            elif self._is_sync or name == self._responder or self._ends(name):
                found.take(part)
            else:
                found.ended(name, part)

    def _recovered(
        self,
        name: str,
        batch: Batch,
        failures: Mapping[int, Failure],
        context: Context,
        found: _Found,
    ) -> Iterator[_Going]:
        """Hand the events that failed to the error handler, if there is one."""
        handler = self.declared.steps[name].on_error or self.declared.on_error
        if handler is None or handler == name or handler not in self._nodes:
            found.fail(failures)
            return
        failed = batch.at(np.array(sorted(failures), dtype=np.int64))
        events = events_of(failed, failed.events(), context)
        for event, position in zip(events, failed.positions.tolist(), strict=True):
            error = failures[position].error
            event.error = {name: err_to_str(error)} if self._is_sync else error
            event.origin_state = name
        failed = failed.bare().with_heads(heads_of(events))
        answer = context.ask(handler, self._nodes[handler], failed, after=name)
        found.fail(answer.failures)
        yield from self._going(handler, failed, answer, found)

    def _ends(self, name: str) -> bool:
        """Whether a step is an error handler whose answer is the graph's."""
        return self._responder is not None and isinstance(self.declared.steps[name], ErrorStep)

    def _come_in_turns(self) -> bool:
        """Whether events must run one after the other.

        So they must where an event may come more than once to a step that may remember it.
        """
        seen: set[str] = set()
        often: set[str] = set()
        waiting = [(name, False) for name in reversed(self._starts)]
        while waiting:
            name, again = waiting.pop()
            if again and name in often:
                continue
            again = again or name in seen
            seen.add(name)
            if again:
                often.add(name)
            again = again or getattr(self._nodes[name], "spreads", False)
            waiting += [(follower, again) for follower in self._next[name]]
        return any(getattr(self._nodes[name], "is_stateful", False) for name in often)


class _Found:
    """What has come of each event of a batch: the first answer, or the first failure."""

    __slots__ = ("batch", "failures", "last", "parts")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.parts: list[Batch] = []
        self.failures: dict[int, Failure] = {}
        self.last: dict[int, str] = {}

    def take(self, answer: Batch) -> None:
        """Note answers, of events that have none yet."""
        if not self.parts and not self.failures:
            self.parts.append(answer.bare())
            return
        if self.parts and len(self.parts[0].positions) == len(self.batch.positions):
            return
        known = [part.positions for part in self.parts]
        taken = np.concatenate([*known, np.array(list(self.failures), dtype=np.int64)])
        new = np.flatnonzero(~np.isin(answer.positions, taken))
        if len(new):
            self.parts.append(answer.select(new))

    def fail(self, failures: Mapping[int, Failure]) -> None:
        """Note failures, of events that have no answer yet."""
        if not failures:
            return
        answered = {p for part in self.parts for p in part.positions.tolist()}
        for position, failure in failures.items():
            if position not in answered:
                self.failures.setdefault(position, failure)

    def left(self, name: str, received: Batch, answer: Batch) -> None:
        """Note who does not go on after a step, should nothing else come of them."""
        if type(answer) is Batch and len(answer.positions) == len(received.positions):
            return
        going: set[int] = set()
        for part in answer.rounds if isinstance(answer, Spread) else [answer]:
            positions = part.positions.tolist()
            if isinstance(part, Sent):
                pairs = zip(positions, part.outlets, strict=True)
                positions = [position for position, way in pairs if way is None or len(way)]
            going.update(positions)
        gone = [position for position in received.positions.tolist() if position not in going]
        self.last.update(dict.fromkeys(gone, name))

    def ended(self, name: str, part: Batch) -> None:
        """Note who came to an end that is no answer, should nothing else come of them."""
        self.last.update(dict.fromkeys(part.positions.tolist(), name))

    def answer(self, responder: str | None) -> Batch:
        """Everything that was found."""
        if len(self.parts) == 1 and len(self.parts[0]) == len(self.batch):
            return self.parts[0].with_failures(self.batch.failures)
        rows = [(np.searchsorted(self.batch.positions, p.positions), p) for p in self.parts]
        answered = {p for part in self.parts for p in part.positions.tolist()}
        error = _filtered(responder)
        alike: dict[str, Failure] = {}
        lost: dict[int, Failure] = {}
        for position in self.batch.positions.tolist():
            if position not in answered and position not in self.failures:
                name = self.last.get(position, "")
                if name not in alike:
                    alike[name] = Failure(name, error, 400)
                lost[position] = alike[name]
        return self.batch.merge(rows, united([self.failures, lost]))


def _filtered(responder: str | None) -> Filtered:
    where = f"the step that answers, {responder!r}" if responder else "the end of the flow"
    return Filtered(f"filtered: the event did not reach {where}")


def _with_ids(batch: Batch, context: Context) -> Batch:
    return batch.bare().answer([{"id": each} for each in ids_of(batch, context)])


def _by_outlets(part: Sent, followers: Sequence[str]) -> Iterator[tuple[str, Batch]]:
    """Who goes to which step: the events of a step together and in order, it may be stateful."""
    ways = [tuple(followers if outlets is None else outlets) for outlets in part.outlets]
    order = _order_of(set(ways))
    if order is None:  # Some go to one step first, some to the other.
        for row, way in enumerate(ways):
            alone = part.select(np.array([row]))
            for follower in way:
                yield follower, alone
        return
    for follower in order:
        rows = [row for row, way in enumerate(ways) if follower in way]
        yield follower, part.select(np.array(rows))


def _order_of(ways: Collection[tuple[str, ...]]) -> list[str] | None:
    """An order of steps that is that of each way; None if there is none."""
    earlier: dict[str, set[str]] = {}
    for way in ways:
        for place, name in enumerate(way):
            earlier.setdefault(name, set()).update(way[:place])
    order: list[str] = []
    while len(order) < len(earlier):
        ready = [n for n, some in earlier.items() if n not in order and some <= set(order)]
        if not ready:
            return None
        order += ready
    return order

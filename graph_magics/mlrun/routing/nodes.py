"""`RouterNode`: MLRun's routers over batches (MLRun 1.12)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...batch import Batch
from ...bodies import Samples, many_objects
from ...context import Context
from ...copying import copies
from ...errors import GraphError, near
from ...failures import Failure, united
from ...nodes import Node, walk
from ...routers.base import Router
from ...routers.together import Together
from ..base import ServedNode
from ..calling import own_bodies
from ..declaring import RouterStep
from ..events import Event, GraphContext, copied, heads_of, requests_in
from ..fields import extracted, updated
from ..lookup import Namespace
from .hooks import Here, RouteHandle, alone, called, here_now, hooked, one_by_one
from .paths import Group, Models, Refused, grouped, is_under

_PLAIN = Event()
_OURS = __package__


class RouterNode(ServedNode, Router):
    """A router that was declared by MLRun's calls.

    Whatever its user's class overrides is called event by event; all else is done for the
    whole batch. The methods of the class come back here, with a batch of one.

    Parameters
    ----------
    step : RouterStep
    made_of : type or object
        The class, or an instance of it.
    routes : mapping of str to Node
    """

    kind = "Router"

    def __init__(self, step: RouterStep, made_of: Any, routes: Mapping[str, Node]) -> None:
        ServedNode.__init__(self, step, made_of)
        self._routes = dict(routes)
        self._together: Together | None = None
        self._options = {}
        self._own: frozenset[str] = frozenset()

    @property
    def is_stateful(self) -> bool:
        """Whether it, or what it is made of, may remember events."""
        if any(getattr(node, "is_stateful", False) for _, node in walk(self)):
            return True
        kind = self.made_of if inspect.isclass(self.made_of) else type(self.made_of)
        return not kind.__module__.startswith(_OURS)

    @property
    def title(self) -> str:
        """The class, where it is the user's own."""
        title = super().title
        return "" if title == self.kind else title

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object, and find out which methods are the user's."""
        super().start(server, namespace, mode)
        self._own = _overridden(self.object)

    def _made(self, server: GraphContext, namespace: Namespace, **more: Any) -> Any:
        routes = {name: RouteHandle(name, node) for name, node in self._routes.items()}
        _check_slips(self.made_of, self.step.class_args, self.name)
        made = super()._made(server, namespace, routes=routes, **more)
        made.routes, made._node = routes, self
        if not hasattr(made, "health_prefix"):
            raise GraphError(
                f"the __init__ of {type(made).__name__} must call super().__init__(...)",
                node=self.name,
            )
        return made

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event."""
        here = Here(context)
        if "do_event" in self._own:
            may = self.may_answer_bodies
            answer = hooked(self.object.do_event, batch, here, may_answer_bodies=may)
        else:
            answer = self._answered(batch, here)
        self._note(batch, here)
        return answer

    def answered(self, event: Any) -> Any:
        """Answer one event: what `do_event` of the public class does."""
        return self._with(event, self._answered)

    def handled(self, event: Any) -> Any:
        """Answer one event, without the hooks around it."""
        return self._with(event, lambda batch, here: self._by_request(batch, here, self._handled))

    def _with(self, event: Any, run: Callable[[Batch, Here], Batch]) -> Any:
        here = here_now()
        answer = run(alone(event, here.position), here)
        return here.answered(event, answer)

    def _note(self, batch: Batch, here: Here) -> None:
        """Record what was chosen; routers that choose do."""

    # --- around the routes

    def _answered(self, batch: Batch, here: Here) -> Batch:
        work, originals = self._received(batch, here)
        if not len(work):
            return work
        answer = self._by_request(work, here, self._of_request)
        if self.step.result_path:
            answer = self._written(batch, originals, answer, here)
        return answer

    def _received(self, batch: Batch, here: Here) -> tuple[Batch, list[Any] | None]:
        """The requests that are in the events, read; and the events, if they were looked at."""
        source, prepare = self.step.input_path, "preprocess" in self._own
        if not source and not prepare:
            return self._read(batch, here), None
        originals = bodies = own_bodies(batch)
        work = batch.answer(bodies)
        if source:
            bodies, _, failures = called(
                lambda body: extracted(source, body), originals, batch.positions.tolist(), here
            )
            work = batch.fail(failures, bodies)
        if prepare:
            # Given what stands in the events: what it changes there is seen in the answer.
            work = hooked(self.object.preprocess, work, here, bodies)
        return self._read(work, here), originals

    def _read(self, batch: Batch, here: Here) -> Batch:
        """Read the bodies that are no objects yet."""
        if "parse_event" not in self._own:
            bodies = batch.bodies
            if isinstance(bodies, (pd.DataFrame, Samples)) or all(map(_is_read, batch.events())):
                return batch
        events = batch.events()
        plain, heads = here.context.request or _PLAIN, batch.heads
        rows = [
            row
            for row, body in enumerate(events)
            if _is_there(body)
            and (plain if heads is None or heads[row] is None else heads[row]).method != "GET"
        ]
        if not rows:
            return batch
        some = batch.select(np.array(rows))
        read, kept, failures = one_by_one(self.object.parse_event, some, here)
        bodies = list(events)
        for row, body in zip(kept, read, strict=True):
            bodies[rows[row]] = body
        lost = {rows[row]: failure for row, failure in failures.items()}
        return batch.fail(lost, [body for row, body in enumerate(bodies) if row not in lost])

    def _by_request(
        self, work: Batch, here: Here, call: Callable[[Event, Batch, Here], Batch]
    ) -> Batch:
        """Answer the events of each request apart: most often, all are of one."""
        failures = work.failures
        if failures:
            work = work.bare()
        if work.heads is None:
            answer = call(here.context.request or _PLAIN, work, here)
        elif len(work) == 1 and work.heads[0] is not None:
            answer = call(work.heads[0], work, here)
        else:
            parts = [
                (rows, call(request, work.select(rows), here))
                for request, rows in requests_in(work, here.context)
            ]
            answer = parts[0][1] if len(parts) == 1 else work.merge(parts)
        if failures:
            answer = answer.with_failures(united([failures, answer.failures]))
        return answer

    def _of_request(self, request: Event, work: Batch, here: Here) -> Batch:
        """Answer events of one request, if its path is one of the router's."""
        made, path = self.object, request.path
        if request.method == "GET" and (path == "/" or path.startswith(made.health_prefix)):
            told = [made.get_metadata] * len(work)
            bodies, _, failures = called(lambda tell: tell(), told, work.positions.tolist(), here)
            return ended(request, work.fail(failures, bodies))
        if path and path != "/" and not is_under(path, made.url_prefix):
            error = Refused(f"illegal path prefix {path}, must start with {made.url_prefix}")
            return work.fail_all(here.failure(error))
        return self._replied(request, work, here)

    def _replied(self, request: Event, work: Batch, here: Here) -> Batch:
        """What the routes answer, postprocessed."""
        if "_handle_event" in self._own:
            answer = hooked(self.object._handle_event, work, here)
        else:
            answer = self._handled(request, work, here)
        return self._finished(answer, here)

    def _handled(self, request: Event, work: Batch, here: Here) -> Batch:
        """What the routes answer to events of one request; in this class, the events."""
        return work

    def _finished(self, answer: Batch, here: Here) -> Batch:
        if "postprocess" not in self._own or not len(answer):
            return answer
        return hooked(self.object.postprocess, answer, here)

    def _written(
        self, batch: Batch, originals: list[Any] | None, answer: Batch, here: Here
    ) -> Batch:
        """Put the answers where in the events they belong."""
        rows = np.searchsorted(batch.positions, answer.positions)
        chosen = batch if len(rows) == len(batch) else batch.select(rows)
        if originals is None:
            kept = own_bodies(chosen)
        else:  # Copies: the routes are on record with what they were sent.
            kept = copies([originals[row] for row in rows.tolist()])
        target = self.step.result_path
        pairs = list(zip(kept, answer.events(), strict=True))
        bodies, _, failures = called(
            lambda pair: updated(target, *pair) if pair[0] else pair[1],
            pairs, answer.positions.tolist(), here,
        )  # fmt: skip
        return answer.fail(failures, bodies)

    # --- for the routers that ask their routes for an operation

    def _asking(
        self, request: Event, work: Batch, here: Here, operation: Any
    ) -> tuple[Context, Batch]:
        """The context and the batch by which routes are sent the operation as their path."""
        asked = copied(request)
        asked.path = operation
        if work.heads is not None:
            with many_objects(len(work)):
                heads = [None if head is None else copied(head) for head in work.heads]
            for head in heads:
                if head is not None:
                    head.path = operation
            work = work.with_heads(heads_of(heads))
        return here.context.asking(asked), work

    def _groups(
        self, found: Models, request: Event, work: Batch, here: Here
    ) -> tuple[list[Group], dict[int, Failure]]:
        """Name and operation that the events ask for, each with the rows; and who is refused."""
        made, path = self.object, request.path
        if "_resolve_route" in self._own:

            def resolved(body: Any) -> Any:
                name, route, operation = made._resolve_route(body, path)
                return (name, operation) if name or route is not None else ("", None)

            bodies = own_bodies(work)
            keys, rows, failures = called(resolved, bodies, work.positions.tolist(), here)
            some: dict[Any, list[int]] = {}
            for key, row in zip(keys, rows, strict=True):
                some.setdefault(key, []).append(row)
            return [(key, np.array(each)) for key, each in some.items()], failures
        groups, wrong = grouped(work, found.key_of(path))
        failures = {row: here.failure(error) for row, error in wrong.items()}
        kept: list[Group] = []
        for key, group in groups:
            try:
                kept.append((found.checked(key), group))
            except Refused as error:
                every = range(len(work)) if group is None else group.tolist()
                failures.update(dict.fromkeys(every, here.failure(error)))
        return kept, failures

    def _routed(
        self,
        found: Models,
        request: Event,
        work: Batch,
        here: Here,
        send: Callable[[tuple[str, Any], Batch], Batch],
    ) -> Batch:
        """Send events of one request to where their bodies say; who names nothing real fails."""
        groups, failures = self._groups(found, request, work, here)
        if not failures and groups[0][1] is None:  # All ask for the same, most often.
            return send(groups[0][0], work)
        parts = [(rows, send(key, work.select(rows))) for key, rows in groups if rows is not None]
        if not parts:
            return work.fail(failures, [])
        return work.merge(parts, placed(work, failures))


def placed(batch: Batch, failures: Mapping[int, Failure]) -> dict[int, Failure]:
    """Failures by position, of those by row."""
    positions = batch.positions.tolist()
    return {positions[row]: failure for row, failure in failures.items()}


def ended(request: Event, answer: Batch) -> Batch:
    """Answers after which the sync engine runs no other step (MLRun 1.12)."""
    head = copied(request)
    head.terminated = True
    heads = np.empty(len(answer), dtype=object)
    for row in range(len(answer)):
        old = None if answer.heads is None else answer.heads[row]
        heads[row] = head if old is None else copied(old)
        heads[row].terminated = True
    return answer.with_heads(heads)


def back(answer: Batch, operation: Any, path: str) -> Batch:
    """Give events their path back, where it still is the operation that a route was sent."""
    if answer.heads is None:
        return answer
    heads = []
    with many_objects(len(answer)):
        for head in answer.heads:
            if head is not None and head.path == operation:
                head = copied(head)
                head.path = path
            heads.append(head)
    return answer.with_heads(heads_of(heads))


def _check_slips(made_of: Any, given: Mapping[str, Any], node: str | None) -> None:
    """Refuse an option that nobody knows and that is nearly one: it would count for nothing."""
    if not inspect.isclass(made_of):
        return
    known = {
        name
        for kind in made_of.__mro__
        if "__init__" in vars(kind) and kind is not object
        for name in inspect.signature(kind).parameters
    }
    for name in given:
        if name not in known and (hint := near(name, known)):
            raise GraphError(f"{made_of.__name__} has no option {name!r}{hint}", node=node)


def _overridden(made: Any) -> frozenset[str]:
    """The methods of a router that are the user's own."""
    names = set(made.__dict__) & _HOOKS
    for name in _HOOKS:
        for kind in type(made).__mro__:
            if name in kind.__dict__:
                if not kind.__module__.startswith(_OURS):
                    names.add(name)
                break
    return frozenset(names)


_HOOKS = frozenset(
    {
        "_apply_logic", "_handle_event", "_majority_vote", "_mean_vote", "_parallel_run",
        "_predictions", "_resolve_route", "do_event", "extract_results_from_response", "logic",
        "merger", "parse_event", "postprocess", "preprocess", "validate",
    }
)  # fmt: skip


def _is_read(body: Any) -> bool:
    """Whether a body is no text or image that is to be read first."""
    return "data_url" not in body if type(body) is dict else not _is_there(body)


def _is_there(body: Any) -> bool:
    try:
        return bool(body)
    except ValueError:  # An array of several.
        return True

"""`ParallelRunNode`: each event to all routes, and their answers in one (MLRun 1.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from ...batch import Batch
from ...bodies import many_objects
from ...context import Context
from ...copying import fresh
from ...failures import Failure, united
from ...routers.merging import into_one, kind_by_kind
from ...routers.together import ExecutorType
from ..calling import own_bodies
from ..events import Event
from .classes import merge_into
from .hooks import Here, called, here_now, one_by_one
from .nodes import RouterNode, placed


class ParallelRunNode(RouterNode):
    """Sends each event to all routes, and merges what they answer."""

    kind = "ParallelRun"

    @property
    def title(self) -> str:
        """The class, where it is the user's own, or that the event is in the answer."""
        extend = getattr(self.object or self.made_of, "extend_event", False)
        if isinstance(self.made_of, type):
            extend = self.step.class_args.get("extend_event", extend)
        return super().title or ("extend_event" if extend is True else "")

    @property
    def executor_type(self) -> ExecutorType | None:  # type: ignore[override]
        """As declared; MLRun's own default leaves open what is quicker."""
        said = getattr(self.object, "executor_type", None)
        if said == "thread" and "executor_type" not in self.step.class_args:
            return None
        return said

    def results(self, event: Any) -> dict[str, Any]:
        """What the routes answer to one event: `_parallel_run` of the public class."""
        here = here_now()
        answers: dict[str, Any] = {}
        for name, node in self._routes.items():
            one = event.__class__.__new__(event.__class__)
            one.__dict__.update(event.__dict__)
            here.run(name, node, one)
            answers[name] = one.body
        return answers

    def _handled(self, request: Event, work: Batch, here: Here) -> Batch:
        if self._own & {"_parallel_run", "_apply_logic"}:
            results, rows, failures = self._results(work, here, here.context)
            return self._by_logic(work, results, rows, failures, here)
        answers = self._asked(request, work, here.context)
        some, answers = work.together(answers)
        if not len(some):
            return some
        named = dict(zip(self._routes, answers, strict=True))
        return kind_by_kind(some, named, lambda part, all_: self._merged(part, all_, here))

    def _asked(self, request: Event, work: Batch, context: Context) -> list[Batch]:
        """What all routes answer to events of one request."""
        if request.content_type.startswith("image/"):
            # Who reads an image leaves nothing of it to the next.
            return self._run_all(
                lambda name, at: at.run(name, self._routes[name], _unread(work)), context
            )
        return self._run_all(lambda name, at: at.run(name, self._routes[name], work), context)

    def _merged(self, some: Batch, answers: Mapping[str, Batch], here: Here) -> Batch:
        made = self.object
        extend = bool(made.extend_event)
        if "merger" not in self._own and _are_columns(some, answers):
            return into_one(some, answers, here.context, extend=extend)
        columns = [answer.events() for answer in answers.values()]
        if "merger" in self._own:
            bodies = own_bodies(some) if extend else [{} for _ in range(len(some))]
            names = list(answers)

            def merge(row: int) -> Any:
                body = bodies[row]
                given = [fresh(column[row]) for column in columns]
                merged = made.merger(body, dict(zip(names, given, strict=True)))
                return body if merged is None else merged

            merged, _, failures = called(merge, range(len(some)), some.positions.tolist(), here)
            return some.fail(failures, some.like(merged))
        failures = {}
        events = some.events() if extend else None
        merged = []
        names = list(answers)
        with many_objects(len(some)):
            for row, results in enumerate(zip(*columns, strict=True)):
                try:
                    body = {} if events is None else _opened(events[row])
                    for name, result in zip(names, results, strict=True):
                        if type(result) is dict:
                            body.update(result)
                        else:
                            merge_into(body, result, f"the route {name!r}")
                    merged.append(body)
                except Exception as error:
                    failures[row] = here.failure(error)
        return some.fail(failures, some.like(merged))

    # --- event by event, where the user's class says how

    def _results(
        self, work: Batch, here: Here, context: Context
    ) -> tuple[list[dict[str, Any]], list[int], dict[int, Failure]]:
        """Route to answer for each event."""
        there = here.within(context)
        return one_by_one(self.object._parallel_run, work, there)

    def _by_logic(
        self,
        work: Batch,
        results: Sequence[dict[str, Any]],
        rows: Sequence[int],
        failures: dict[int, Failure],
        here: Here,
    ) -> Batch:
        """Merge what `_parallel_run` gave, event by event."""
        made = self.object
        some = work.select(np.array(rows, dtype=np.int64)) if failures else work
        given = dict(zip(some.positions.tolist(), results, strict=True))

        def merge(event: Any) -> Any:
            before = event.body
            answer = made._apply_logic(given[here.position], event)
            return event.body if event.body is not before or answer is None else answer

        bodies, _, lost = one_by_one(merge, some, here)
        answer = some.fail(lost, bodies)
        if not failures:
            return answer
        return answer.with_failures(united([placed(work, failures), answer.failures]))


def _opened(body: Any) -> dict[str, Any]:
    """A copy of an event to be extended."""
    opened: dict[str, Any] = {}
    merge_into(opened, body, "the event")
    return opened


def _are_columns(some: Batch, answers: Mapping[str, Batch]) -> bool:
    return not some.is_json and not any(answer.is_json for answer in answers.values())


def _unread(work: Batch) -> Batch:
    """The same requests, with images that nobody has read from."""
    bodies = []
    for body in work.events():
        if isinstance(body, dict):
            body = {key: _rewound(value) for key, value in body.items()}
        bodies.append(body)
    return work.answer(bodies)


def _rewound(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [BytesIO(each.getvalue()) if isinstance(each, BytesIO) else each for each in value]

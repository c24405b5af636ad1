"""`VotingNode`: several models' answers to each event, and their vote (MLRun 1.12)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np

from ...batch import Batch
from ...bodies import Bodies, Samples, column, many_objects
from ...context import Context
from ...errors import GraphError
from ...failures import Failure, united
from ...routers.mlrun import same_counts
from ..answers import is_response
from ..calling import own_bodies
from ..declaring import RootRouterStep
from ..events import Event, GraphContext
from ..lookup import Namespace
from .ballots import (
    are_inputs,
    column_of,
    first,
    flat,
    has_outputs,
    ids,
    is_whole,
)
from .hooks import Here, called
from .nodes import back, ended, placed
from .parallel import ParallelRunNode
from .paths import Ensembles, Refused
from .polls import Poll

#: Methods that say how the answers are counted: with one of them events are counted one by one.
_LOGIC = frozenset({"_majority_vote", "_mean_vote", "logic"})
_COUNTING = _LOGIC | {"_apply_logic", "_predictions", "extract_results_from_response"}


class VotingNode(ParallelRunNode):
    """Sends each event to all models, which vote; or to the one that the path names."""

    kind = "VotingEnsemble"
    weighs = True
    answers_outputs = True

    @property
    def vote_type(self) -> str | None:
        """As declared."""
        return self._said("vote_type")

    @property
    def title(self) -> str:
        """The class, where it is the user's own, or the vote type."""
        return super().title or self.vote_type or ""

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The weight of each route, where they are not all equal."""
        shares = self.route_shares
        if len(set(shares.values())) == 1:
            return {}
        return {name: f"{share:.3g}" for name, share in shares.items()}

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each route, adding up to 1."""
        return Poll(list(self._routes), self._said("weights")).shares

    @property
    def given_weights(self) -> Mapping[str, Any]:
        """Weight of each route, as it was given; nothing, if none was."""
        return dict(self._said("weights") or {})

    def _weigh(self, weights: Mapping[str, float] | None) -> None:
        """Take weights, which a copy of the object then has; that of the graph stays."""
        # As in Python: MLRun's own check lets negative ones pass.
        self._weights(weights, missing=0.0)
        made = copy(self.object)
        made._node, self.object = self, made
        made._update_weights(weights)

    def alone(self, route: str) -> Self:
        """Give the same router with weights by which one route alone decides."""
        return self.reweighted({route: 1.0})

    @property
    def route_shares(self) -> Mapping[str, float]:
        """The weight of each route in the vote."""
        try:
            return self.weights
        except GraphError:  # Told when the graph starts.
            return {}

    def _said(self, option: str) -> Any:
        if self.object is None and inspect.isclass(self.made_of):
            return self.step.class_args.get(option)
        return getattr(self.made_of if self.object is None else self.object, option, None)

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object, and find out how it counts."""
        super().start(server, namespace, mode)
        made = self.object
        self._own_counting = self._own & _COUNTING
        made._counts_itself = bool(self._own & _LOGIC)
        made._extracts = "extract_results_from_response" in self._own
        if made._poll is None:  # A post_init of the user's own may leave ours out.
            self._called("weights", made._update_weights, made.weights)
        #: What it is called in paths: its name, and where that was given, its class, too.
        self.names = [made.name]
        step = self.step
        if isinstance(step, RootRouterStep) and inspect.isclass(self.made_of):
            own = step.class_name if isinstance(step.class_name, str) else self.made_of.__name__
            self.names.append(own.rpartition(".")[2])
        self._found = Ensembles(made.url_prefix, self._routes, self.names)

    def _replied(self, request: Event, work: Batch, here: Here) -> Batch:
        def send(key: tuple[str, Any], some: Batch) -> Batch:
            return self._sent(key, request, some, here)

        return self._routed(self._found, request, work, here, send)

    def _sent(self, key: tuple[str, Any], request: Event, work: Batch, here: Here) -> Batch:
        name, operation = key
        if operation is None:
            made = self.object
            listed = {"models": [*self._routes, made.name], "weights": made.weights}
            return ended(request, work.answer([listed] * len(work)))
        work = self._validated(request, work, here)
        failures = work.failures
        if failures:
            work = work.bare()
            if not len(work):
                return work.with_failures(failures)
        context, asked = self._asking(request, work, here, operation)
        if name in self._routes:
            answer = context.ask(name, self._routes[name], asked)
        elif request.method == "GET":
            answer = self._got(operation, request, asked, context, here)
        else:
            answer = self._voted(request, asked, context, here, name)
        if "postprocess" in self._own:
            answer = self._finished(answer, here.within(context))
        if answer.heads is not None:
            answer = back(answer, operation, request.path)
        return answer.with_failures(united([failures, answer.failures])) if failures else answer

    def _validated(self, request: Event, work: Batch, here: Here) -> Batch:
        """The events whose bodies are the protocol's; the others fail."""
        made, method = self.object, request.method or "POST"
        bodies = work.bodies
        if "validate" in self._own:
            changed = own_bodies(work)
            _, rows, failures = called(
                lambda body: made.validate(body, method), changed, work.positions.tolist(), here
            )
            return work.fail(failures, [changed[row] for row in rows])
        if method == "GET" or made.protocol != "v2" or are_inputs(bodies):
            return work
        events = work.events()
        wrong = [
            row
            for row, body in enumerate(events)
            if type(body) is not dict or type(body.get("inputs")) is not list
        ]
        if not wrong:
            return work
        some = work.select(np.array(wrong))
        _, _, failures = called(
            lambda body: made.validate(body, method), some.events(), some.positions.tolist(), here
        )
        if not failures:
            return work
        kept = work.select(np.setdiff1d(np.arange(len(work)), [wrong[row] for row in failures]))
        return kept.with_failures(placed(some, failures))

    # --- the vote

    def _voted(
        self, request: Event, asked: Batch, context: Context, here: Here, name: str
    ) -> Batch:
        called_by = name if name in self.names else self.object.name
        if "_parallel_run" in self._own:
            results, rows, failures = self._results(asked, here, context)
            some = asked if not failures else asked.select(np.array(rows, dtype=np.int64))
            answer = self._one_by_one(some, results, here, called_by)
            if not failures:
                return answer
            return answer.with_failures(united([placed(asked, failures), answer.failures]))
        answers = self._asked(request, asked, context)
        some = asked
        if not all(is_whole(answer, asked) for answer in answers):
            if self.object.on_missing == "vote":
                return self._by_those_left(asked, answers, here, called_by)
            some, answers = asked.together(answers)
            if not len(some):
                return some
        return self._counted(some, dict(zip(self._routes, answers, strict=True)), here, called_by)

    def _by_those_left(
        self, asked: Batch, answers: Sequence[Batch], here: Here, name: str
    ) -> Batch:
        """The vote of those that answered, event by event; who has no answer at all fails."""
        there = np.stack([np.isin(asked.positions, a.positions) for a in answers])
        patterns, group = np.unique(there, axis=1, return_inverse=True)
        parts: list[tuple[np.ndarray, Batch]] = []
        lost: Mapping[int, Failure] = {}
        for number, pattern in enumerate(patterns.T):
            rows = np.flatnonzero(group.ravel() == number)
            some = asked.select(rows)
            if not pattern.any():
                failed = set(some.positions.tolist())
                lost = {
                    position: failure
                    for position, failure in united([a.failures for a in answers]).items()
                    if position in failed
                }
                continue
            left = {
                route: answer.select(np.searchsorted(answer.positions, some.positions))
                for route, answer, is_there in zip(self._routes, answers, pattern, strict=True)
                if is_there
            }
            parts.append((rows, self._counted(some, left, here, name)))
        return asked.merge(parts, lost) if parts else asked.select(rows[:0]).with_failures(lost)

    def _counted(self, some: Batch, answers: Mapping[str, Batch], here: Here, name: str) -> Batch:
        """Answer events with the vote of these routes."""
        routes = list(answers)
        bodies = [answer.bodies for answer in answers.values()]
        if not isinstance(some.bodies, list) and not any(map(has_outputs, bodies)):
            return self._values(some, routes, bodies, here)
        if len(some.positions) > 1 and not self._own_counting:
            votes = self._all_at_once(routes, bodies)
            if votes is not None:
                return some.answer(self._samples(some, votes, name, here))
        events = [
            each if type(each) is list else answer.events()  # Read already, by who asked.
            for each, answer in zip(bodies, answers.values(), strict=True)
        ]
        if not self._own_counting:
            counted, rows, failures = self._each_counted(routes, events, here)
            if not failures:
                return some.answer(self._told(some, counted, name, here))
            kept = some.select(np.array(rows, dtype=np.int64))
            return some.fail(failures, self._told(kept, counted, name, here))
        results = [dict(zip(routes, row, strict=True)) for row in zip(*events, strict=True)]
        return self._one_by_one(some, results, here, name)

    def _each_counted(
        self, routes: list[str], events: Sequence[Sequence[Any]], here: Here
    ) -> tuple[list[Any], list[int], dict[int, Failure]]:
        """The votes on each event, for which rows, and who cannot be counted."""
        made = self.object
        poll, vote_type = made._poll, made.vote_type
        is_flat = not made.format_response_with_col_name_flag
        votes: list[Any] = []
        rows: list[int] = []
        failures: dict[int, Failure] = {}
        for row, answers in enumerate(zip(*events)):  # noqa: B905 - of one batch
            columns = []
            try:
                for route, answer in zip(routes, answers):  # noqa: B905
                    outputs = answer.get("outputs") if is_flat and type(answer) is dict else None
                    if type(outputs) is not list:
                        outputs = made._predictions(route, answer)
                    columns.append(outputs)
                votes.append(poll.event(routes, columns, vote_type))
                rows.append(row)
            except Exception as error:
                failures[row] = here.failure(error)
        return votes, rows, failures

    def _one_by_one(
        self, some: Batch, results: Sequence[Mapping[str, Any]], here: Here, name: str
    ) -> Batch:
        votes, rows, failures = called(
            self.object._apply_logic, results, some.positions.tolist(), here
        )
        kept = some if not failures else some.select(np.array(rows, dtype=np.int64))
        return some.fail(failures, self._told(kept, votes, name, here))

    def _all_at_once(self, routes: list[str], bodies: Sequence[Any]) -> Samples | None:
        """The votes on all samples of all events; None where they must be looked at one by one."""
        made = self.object
        ballots = [flat(each, made) for each in bodies]
        if any(each is None for each in ballots):
            return None
        values, counts = zip(*ballots, strict=True)
        if not all(same_counts(counts[0], other) for other in counts[1:]):
            return None
        winners = made._poll.many(routes, list(values), made.vote_type)
        return None if winners is None else Samples(winners, counts[0], "outputs")

    def _samples(self, some: Batch, votes: Samples, name: str, here: Here) -> Bodies:
        """The answers as columns, if that says all."""
        made = self.object
        if made.format_response_with_col_name_flag or made.model_endpoint_uid:
            return self._told(some, votes.lists(), name, here)
        return replace(votes, extra={"model_name": name}, ids=ids(some, here.context))

    def _values(self, some: Batch, routes: list[str], bodies: Sequence[Any], here: Here) -> Batch:
        """The vote where events are rows of a table, and routes answer each with a value."""
        made = self.object
        columns = [column_of(each) for each in bodies]
        winners = None
        if not self._own_counting and all(getattr(c, "ndim", 1) == 1 for c in columns):
            winners = made._poll.many(routes, columns, made.vote_type)
        if winners is not None:
            return some.answer(winners)
        results = [
            {route: {"outputs": [value]} for route, value in zip(routes, row, strict=True)}
            for row in zip(*(list(c) for c in columns), strict=True)
        ]
        votes, _, failures = called(made._apply_logic, results, some.positions.tolist(), here)
        return some.fail(failures, column([vote[0] for vote in votes]))

    def _told(
        self, some: Batch, votes: Sequence[Any], name: str, here: Here
    ) -> list[dict[str, Any]]:
        """The answers: ids, and the vote."""
        made = self.object
        if made.format_response_with_col_name_flag:
            votes = [{made.prediction_col_name: vote} for vote in votes]
        own = ids(some, here.context)
        if len(votes) == 1 and not made.model_endpoint_uid:
            return [{"id": own[0], "model_name": name, "outputs": votes[0]}]
        with many_objects(len(votes)):
            answers = [
                {"id": each, "model_name": name, "outputs": vote}
                for each, vote in zip(own, votes, strict=True)
            ]
        if made.model_endpoint_uid:
            for answer in answers:
                answer["model_endpoint_uid"] = made.model_endpoint_uid
        return answers

    # --- what is asked with GET

    def _got(
        self, operation: Any, request: Event, asked: Batch, context: Context, here: Here
    ) -> Batch:
        """What the ensemble says of itself: its fields, and whether all its models are ready."""
        if operation not in ("", "ready"):
            error = Refused(f"the ensemble answers {operation!r} to a POST, not to a GET")
            return asked.fail_all(here.failure(error))
        some, answers = asked.together(self._asked(request, asked, context))
        rows = list(zip(*(answer.events() for answer in answers), strict=True))
        if operation == "ready":
            own = ids(some, here.context)
            told = [self._ready(row, each) for row, each in zip(rows, own, strict=True)]
            return ended(request, some.answer(told))
        fields = [
            {
                "name": self.object.name,
                "model_endpoint_uid": self.object.model_endpoint_uid or "",
                "inputs": first(row, "inputs"),
                "outputs": first(row, "outputs"),
            }
            for row in rows
        ]
        return some.answer(fields)

    def _ready(self, answers: Sequence[Any], event_id: str) -> Any:
        for answer in answers:
            if is_response(answer) and answer.status_code >= 400:
                return answer
        said = f"Model {self.object.name} is ready (event_id = {event_id})"
        return self.server.Response(body=said.encode()) if self.server else said

"""MLRun's routers: VotingEnsemble and ParallelRun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from .. import votes
from ..batch import Batch
from ..bodies import Bodies, Samples, column
from ..columns import ANSWER_KEYS
from ..context import Context
from ..errors import GraphError, a, listed
from ..nodes import Node, as_node
from ..steps import Model
from .base import Router
from .merging import Merger, by_merger, into_one, kind_by_kind
from .together import ExecutorType, checked

_FLOATS = (float, np.floating)
VoteType = Literal["classification", "regression", "soft"]


class VotingEnsemble(Router):
    """Let several models answer each event, and vote (MLRun 1.12).

    Parameters
    ----------
    *routes, **named
        Fitted models, or whatever answers with a label or a number.
    vote_type : {"classification", "regression", "soft"}, optional
        ``classification``: the label with the greatest weight behind it, of several the
        smallest. ``regression``: the weighted mean. ``soft``: the label with the greatest mean
        of the models' ``predict_proba``. If absent it is what the models say of themselves,
        else, event by event, regression if an answer is a float and classification if not.
    weights : mapping of str to float, optional
        Route to its weight; only their ratios count. A route that is not named counts 0, as
        in MLRun. All equal if absent.
    executor_type : {"thread", "process", "array"}, optional
        Run each route on a thread of its own, or in a process of its own, or one after the
        other. If absent, as is quicker: routes that wait are run at the same time, others one
        after the other. It changes no answer.

    Raises
    ------
    GraphError
        If the vote type is unknown, a weight is negative or no number, or all are 0.

    Examples
    --------
    >>> from graph_magics import Graph, VotingEnsemble
    >>> vote = VotingEnsemble(a=lambda e: 1, b=lambda e: 0, c=lambda e: 1)
    >>> Graph("g", vote).test({"x": 5})
    1
    >>> Graph("g", VotingEnsemble(a=lambda e: 1.0, b=lambda e: 2.0)).test({"x": 5})
    1.5
    """

    kind = "VotingEnsemble"
    weighs = True
    takes = frozenset({"weight"})

    def __init__(
        self,
        *routes: Any,
        vote_type: VoteType | None = None,
        weights: Mapping[str, float] | None = None,
        executor_type: ExecutorType | None = None,
        name: str | None = None,
        **named: Any,
    ) -> None:
        known = ("classification", "regression", "soft")
        if vote_type is not None and vote_type not in known:
            raise GraphError(
                f"vote_type must be one of {listed(known)}, got {vote_type!r}", node=name
            )
        self._declared = vote_type
        self.executor_type = checked(executor_type, name)
        super().__init__(routes, named, name=name)
        self._weigh(weights)

    def _weigh(self, weights: Mapping[str, float] | None) -> None:
        self._counts = self._weights(weights, missing=0.0)

    @property
    def weights(self) -> Mapping[str, float]:
        """Weight of each route, adding up to 1."""
        total = sum(self._counts)
        return {
            route: weight / total for route, weight in zip(self._routes, self._counts, strict=True)
        }

    @property
    def given_weights(self) -> Mapping[str, float]:
        """Weight of each route, as it was given."""
        return dict(zip(self._routes, self._counts, strict=True))

    def alone(self, route: str) -> Self:
        """Give the same router with one route only, which so decides."""
        twin = self.with_children({route: self._routes[route]})
        twin._counts = [1.0]
        return twin

    @property
    def vote_type(self) -> VoteType | None:
        """As declared, else what all the models say of themselves, else None."""
        if self._declared is not None:
            return self._declared
        tasks = {getattr(node, "task", None) for node in self._routes.values()}
        return tasks.pop() if len(tasks) == 1 else None

    @property
    def title(self) -> str:
        """The vote type."""
        return self.vote_type or ""

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The weight of each route, where they are not all equal."""
        if len(set(self._counts)) == 1:
            return {}
        return {name: f"{weight:.3g}" for name, weight in self.weights.items()}

    @property
    def route_shares(self) -> Mapping[str, float]:
        """The weight of each route in the vote."""
        return self.weights

    def _route_node(self, thing: Any) -> Node:
        node = as_node(thing)
        if self._declared != "soft" or not isinstance(node, Model):
            return node
        if isinstance(thing, Model):
            if node.method == "predict":
                raise GraphError(
                    "a soft vote needs probabilities; "
                    'hand it the model itself, or Model(..., method="predict_proba")'
                )
            return node
        if not callable(getattr(thing, "predict_proba", None)):
            raise GraphError(
                f"a soft vote needs probabilities, and {a(thing)} has no predict_proba"
            )
        return Model(thing, "predict_proba")

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event with the vote of all routes; one that fails fails the event."""
        answers = self._run_all(
            lambda name, here: here.run(name, self._routes[name], batch), context
        )
        here, answers = batch.together(answers)
        if not len(here):
            return here
        named = dict(zip(self._routes, answers, strict=True))
        return kind_by_kind(here, named, lambda some, all_: self._cast(some, all_, context))

    def _cast(self, here: Batch, answers: Mapping[str, Batch], context: Context) -> Batch:
        def vote(some: Batch) -> Bodies:
            chosen = list(answers.values())
            if some is not here:
                rows = np.searchsorted(here.positions, some.positions)
                chosen = [answer.select(rows) for answer in chosen]
            return self._vote([answer.bodies for answer in chosen], context)

        return here.attempt(vote, context.failure)

    def _vote(self, answers: list[Bodies], context: Context) -> Bodies:
        ballots = [
            _ballot(name, bodies) for name, bodies in zip(self._routes, answers, strict=True)
        ]
        with_samples = [ballot for ballot in ballots if isinstance(ballot, Samples)]
        if not with_samples:
            return self._winners(ballots, context)
        if len(with_samples) < len(ballots):
            raise GraphError("some routes answered samples and some a single value")
        first = with_samples[0]
        for name, ballot in zip(self._routes, with_samples, strict=True):
            if not same_counts(first.counts, ballot.counts):
                raise GraphError(f"the route {name!r} answered another number of samples")
        extra: dict[str, Any] = {}
        if first.key == "outputs":
            extra = {"model_name": context.name}
            if context.setup.event_id is not None:
                extra = {"id": context.setup.event_id, **extra}
        values = [ballot.values for ballot in with_samples]
        winners = self._winners(values, context, first.counts)
        return first.holding(winners, first.key, extra)

    def _winners(
        self, ballots: list[Any], context: Context, counts: np.ndarray | None = None
    ) -> Any:
        if not len(ballots[0]):
            return np.empty(0)  # Of events without samples.
        if self._declared == "soft":
            return self._soft(ballots)
        vote_type = self.vote_type
        if vote_type is None:
            return self._deduced(ballots, context, counts)
        if vote_type == "regression":
            return votes.mean(ballots, self._counts)
        return self._majority(ballots, context)

    def _majority(self, ballots: list[Any], context: Context) -> np.ndarray:
        replay = context.setup.replay
        if replay is None:
            return votes.majority(ballots, self._counts)
        return replay.tally(ballots).majority(self._counts)

    def _deduced(
        self, ballots: list[Any], context: Context, counts: np.ndarray | None
    ) -> np.ndarray:
        """Vote event by event as the answers are: a float makes it a regression."""
        is_float = np.zeros(len(ballots[0]), dtype=bool)
        for ballot in ballots:
            kind = getattr(ballot.dtype, "kind", "O")
            if kind == "f":
                return votes.mean(ballots, self._counts)
            if kind == "O":
                is_float |= np.fromiter((isinstance(v, _FLOATS) for v in ballot), bool, len(ballot))
        if counts is not None:
            event = np.repeat(np.arange(len(counts)), counts)
            is_float = np.isin(event, event[is_float])
        if not is_float.any():
            return self._majority(ballots, context)
        if is_float.all():
            return votes.mean(ballots, self._counts)
        winners = np.empty(len(is_float), dtype=object)
        for rows, vote in ((is_float, votes.mean), (~is_float, votes.majority)):
            winners[rows] = vote([ballot[rows] for ballot in ballots], self._counts)
        return winners

    def _soft(self, ballots: list[Any]) -> np.ndarray:
        classes = []
        for (name, node), ballot in zip(self._routes.items(), ballots, strict=True):
            if np.ndim(ballot) != 2:
                raise GraphError(
                    f"a soft vote needs a probability for each class; {name!r} answered one value"
                )
            known = node.classes if isinstance(node, Model) else None
            labels = np.arange(ballot.shape[1]) if known is None else np.asarray(known)
            classes.append(labels)
        return votes.soft(ballots, classes, self._counts)


class ParallelRun(Router):
    """Send every event to all routes, and answer with the fields of all their answers (MLRun 1.12).

    Of fields that several routes answer, the last declared route's counts. On events of a
    table, a route that answers one value gives a column of its own name.

    Parameters
    ----------
    *routes, **named
        Steps that answer objects, models, routers or graphs.
    extend_event : bool
        Whether the answer begins with the fields of the event itself.
    merger : callable, optional
        ``merger(body, results)`` gives the answer, with ``results`` an object of route to
        answer; instead of putting the fields together.
    executor_type : {"thread", "process", "array"}, optional
        As in `VotingEnsemble`.

    Examples
    --------
    >>> from graph_magics import Graph, ParallelRun
    >>> both = ParallelRun(double=lambda e: {"d": 2 * e["x"]}, half=lambda e: {"h": e["x"] / 2},
    ...                    extend_event=True)
    >>> Graph("g", both).test({"x": 4})
    {'x': 4, 'd': 8, 'h': 2.0}
    """

    kind = "ParallelRun"

    def __init__(
        self,
        *routes: Any,
        extend_event: bool = False,
        merger: Merger | None = None,
        executor_type: ExecutorType | None = None,
        name: str | None = None,
        **named: Any,
    ) -> None:
        if merger is not None and not callable(merger):
            raise GraphError(
                f"merger must be a function of a body and the results, got {type(merger).__name__}",
                node=name,
            )
        if merger is not None and extend_event:
            raise GraphError("give either extend_event or a merger, which has the event", node=name)
        self.executor_type = checked(executor_type, name)
        super().__init__(routes, named, name=name)
        self.extend_event = extend_event
        self.merger = merger

    @property
    def title(self) -> str:
        """What it does besides, if anything."""
        return "extend_event" if self.extend_event else ""

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer each event with what all routes answered."""
        answers = self._run_all(
            lambda name, here: here.run(name, self._routes[name], batch), context
        )
        here, answers = batch.together(answers)
        if not len(here):
            return here
        named = dict(zip(self._routes, answers, strict=True))
        merger, extend = self.merger, self.extend_event

        def merge(some: Batch, answers: Mapping[str, Batch]) -> Batch:
            if merger is not None:
                return by_merger(some, answers, context, merger)
            return into_one(some, answers, context, extend=extend)

        return kind_by_kind(here, named, merge)


def _ballot(name: str, bodies: Bodies) -> Any:
    """A route's answers as something to vote on: an array, or samples of events."""
    if isinstance(bodies, pd.DataFrame):
        if bodies.shape[1] == 1:
            return bodies.iloc[:, 0].array
        raise GraphError(f"the route {name!r} answered a table; a vote needs one value per event")
    if not isinstance(bodies, list):
        return bodies
    for key in ANSWER_KEYS.values():
        if all(isinstance(body, dict) and isinstance(body.get(key), list) for body in bodies):
            counts = np.array([len(body[key]) for body in bodies])
            values = column([value for body in bodies for value in body[key]])
            return Samples(values, None if (counts == 1).all() else counts, key)
    if any(isinstance(body, (dict, list)) for body in bodies):
        raise GraphError(
            f"the route {name!r} answered {type(bodies[0]).__name__}; a vote needs a value, "
            'or {"outputs": [...]}'
        )
    return column(bodies)


def same_counts(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Tell whether events have as many samples here as there; None: one each."""
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)

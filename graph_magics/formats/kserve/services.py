"""What each service of a written manifest must answer as, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ...errors import a
from ...naming import natural_name
from ...routers import ParallelRun, VotingEnsemble
from ...steps import Model, Step

_MOST_CLASSES = 10
_WINNERS = {
    "classification": "the label with the greatest weight behind it, of several the smallest",
    "regression": "the weighted mean",
    "soft": "the label with the greatest weighted mean of the probabilities",
    None: "the weighted mean if one of them is a float, else the label with the greatest weight "
    "behind it",
}


def model_told(model: Model) -> str:
    """Say what a model answers.

    >>> from sklearn.dummy import DummyClassifier
    >>> model_told(Model(DummyClassifier()))
    "DummyClassifier.predict, from {'instances': [...]} to {'predictions': [...]}"
    """
    kind = type(model.model).__name__
    return f"{kind}.{model.method}, from {{'instances': [...]}} to {{'predictions': [...]}}"


def function_told(step: Step, path: str) -> str:
    """Say which function it is.

    >>> function_told(Step(len), "size"), function_told(Step(lambda event: event), "same")
    ('the function len', "the lambda of the step 'same'")
    """
    told = _function(step.function, path)
    return f"{told} over a table, from {{'instances': [...]}} on" if step.batch else told


def vote_told(vote: VotingEnsemble, path: str) -> str:
    """Say how a vote is counted."""
    routes = list(vote.children)
    one = "{'predictions': [...]}"
    counts = set(vote.weights.values())
    weights = ", ".join(f"{route} {weight:.3g}" for route, weight in vote.weights.items())
    told = "all weights equal" if len(counts) == 1 else f"weights {weights}"
    winner = _WINNERS[vote.vote_type] + _classes(vote)
    return f"the vote of {path!r}, from {_object(routes, one)} to {one}: {winner}; {told}"


def merge_told(merge: ParallelRun, path: str, event: str | None) -> str:
    """Say how answers are merged; ``event`` is the field that holds the event, if one does."""
    routes = list(merge.children)
    given = _object(routes if event is None else [event, *routes], "{...}")
    if merge.merger is not None:
        how = f"{_function(merge.merger, path)} of the field {event!r} and an object of the others"
    else:
        # They come sorted by name, so that the order has to be said.
        how = "one object of their fields, in this order: of fields with one name the last counts"
    return f"the merge of {path!r}, from {given}: {how}"


def _classes(vote: VotingEnsemble) -> str:
    """Which labels the columns of a soft vote's probabilities stand for, where that is known."""
    known = [node.classes if isinstance(node, Model) else None for node in vote.children.values()]
    told = {None if classes is None else tuple(classes.tolist()) for classes in known}
    (classes,) = told if len(told) == 1 else (None,)
    if vote.vote_type != "soft" or not classes or len(classes) > _MOST_CLASSES:
        return ""
    return f" of {', '.join(map(repr, classes))}"


def _object(fields: Iterable[str], of: str) -> str:
    return f"{{{', '.join(f'{field!r}: {of}' for field in fields)}}}"


def _function(function: Callable[..., Any], path: str) -> str:
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__name__"):
        return a(function)
    name = natural_name(function)
    return f"the lambda of the step {path!r}" if name == "lambda" else f"the function {name}"

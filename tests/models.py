"""What the tests share: real data, small fitted models, and models that answer as told."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from graph_magics import Graph, GraphError, Run, Step, VotingEnsemble
from graph_magics.bodies import Samples
from graph_magics.context import Context, Setup
from graph_magics.engine.aio import async_map
from graph_magics.engine.processes import elsewhere
from graph_magics.engine.threads import at_once

#: 150 events of four features, and a species for each: 0, 1 or 2.
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
WIDTH = "sepal width (cm)"
#: The same under other labels, with a number missing from every tenth.
BROKEN = IRIS.set_axis(range(1000, 1150)).copy()
BROKEN.iloc[::10, 0] = np.nan
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]


class Constant:
    """A model that answers every batch with the same values, from the first on."""

    def __init__(self, *answers: Any) -> None:
        self.answers = answers

    def predict(self, samples: Any) -> list[Any]:
        """Give as many of the answers as there are samples, beginning anew where they end."""
        return [self.answers[row % len(self.answers)] for row in range(len(samples))]


class Seen:
    """A model that remembers what it was given, and answers 0 or as it is told."""

    def __init__(self, answer: Callable[[Any], Any] = lambda samples: [0] * len(samples)) -> None:
        self.batches: list[Any] = []
        self.answer = answer

    def predict(self, samples: Any) -> Any:
        """Keep the samples, and answer."""
        self.batches.append(samples)
        return self.answer(samples)


@functools.cache
def on_frame(kind: type = LogisticRegression) -> Any:
    """Give a model fitted on the frame."""
    return unfitted(kind).fit(IRIS, SPECIES)


@functools.cache
def on_array(kind: type = LogisticRegression) -> Any:
    """Give a model fitted on the frame's values alone."""
    return unfitted(kind).fit(IRIS.to_numpy(), SPECIES)


@functools.cache
def on_names(kind: type = LogisticRegression) -> Any:
    """Give a model fitted on the frame that answers with names."""
    return unfitted(kind).fit(IRIS, NAMES)


def unfitted(kind: type) -> Any:
    """Give an estimator of a kind."""
    options = {LogisticRegression: {"max_iter": 1000}, DecisionTreeClassifier: {"random_state": 0}}
    return kind(**options.get(kind, {}))


#: Values as JSON and tables have them.
SCALARS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.booleans(),
    st.none(),
)

#: How the same items stand in a batch: plain integers may stand in any of these.
BODY_KINDS = {
    "array": np.array,
    "wide": lambda items: np.array([[item, -item] for item in items]),
    "text": lambda items: pd.array([str(item) for item in items], dtype="str"),
    "floats": lambda items: np.array(items, dtype=float),
    "list": list,
    "frame": lambda items: pd.DataFrame({"a": items, "b": [str(item) for item in items]}),
    "samples": lambda items: Samples(np.array(items), None, "inputs"),
    "several": lambda items: Samples(np.repeat(items, 2), np.full(len(items), 2), "inputs"),
}


def same(one: Any, other: Any) -> bool:
    """Tell whether two are equal and of one type: 1 is neither 1.0 nor True here."""
    if isinstance(one, list):
        return type(other) is list and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


KINDS = (LogisticRegression, GaussianNB, DecisionTreeClassifier)


def iris() -> Graph:
    """Give a step over the table, an ensemble, a step over each answer."""

    def half(frame: pd.DataFrame) -> pd.DataFrame:
        return frame / 2

    def label(species: int) -> str:
        return f"species {species}"

    vote = VotingEnsemble(forest=on_frame(), boosted=on_array())
    return Graph("iris", Step(half) >> vote >> label)


def context(path: str = "node", seed: int = 0) -> Context:
    """Give what a node knows of a run that has just begun."""
    return Context(path, Setup(seed, async_map, at_once, elsewhere), [])


def answers(root: Any, events: Any, **options: Any) -> list[Any]:
    """Run events and give each one's response: a body, or the error in its row."""
    frame = run(root, events, **options).frame
    if "response" in frame:
        bodies = frame["response"].tolist()
    else:
        table = frame[[name for name in frame if str(name).startswith("response.")]]
        table.columns = [name.removeprefix("response.") for name in table.columns]
        bodies = table.to_dict("records")
    pairs = zip(bodies, frame["error"].tolist(), strict=True)
    return [error if isinstance(error, str) else body for body, error in pairs]


def run(root: Any, events: Any, **options: Any) -> Run:
    """Run events through a graph of this root, whose nodes are named after themselves."""
    return Graph("g", root, namespace={}).run(events, **options)


def mistake(declare: Callable[[], Any], *words: str) -> GraphError:
    """Declare what cannot be, and check the words that the error must have."""
    with pytest.raises(GraphError) as caught:
        declare()
    told = str(caught.value)
    assert "\n" not in told
    for word in words:
        assert word in told, f"{word!r} is not in: {told}"
    return caught.value


def has_words(error: Any, words: Sequence[str]) -> bool:
    """Tell whether an error of a row says all of these."""
    return isinstance(error, str) and all(word in error for word in words)


def frame_of(**columns: Any) -> pd.DataFrame:
    """Make a frame of columns."""
    return pd.DataFrame(columns)

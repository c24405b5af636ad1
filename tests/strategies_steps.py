"""Random steps and models: the leaves of random graphs."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from graph_magics import (
    Model,
    Step,
)

#: Functions that were called with no event at all; a test looks here.
EMPTY_CALLS: list[str] = []


# --- values ---------------------------------------------------------------------------------


def canonical(value: Any) -> Any:
    """Make equal what is equal by value (1 and 1.0, NaN and NaN), and nothing else."""
    if isinstance(value, dict):
        return {"dict": sorted((str(key), canonical(item)) for key, item in value.items())}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [canonical(item) for item in value]
    if value is None:
        return "none"
    if pd.isna(value):
        return "missing"
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        return f"{float(value):.6g}"
    return str(value)


def canonical_text(value: Any) -> str:
    return repr(canonical(value))


def digest(value: Any, salt: int = 0) -> int:
    """Give a number that hangs on everything in a body, so that no change to it goes unseen."""
    return zlib.crc32(f"{salt}{canonical(value)!r}".encode())


# --- functions over one event ---------------------------------------------------------------

MOMENT = pd.Timestamp("2024-02-29 12:30")


def _some_field(event: Any) -> Any:
    return next(iter(event.values())) if isinstance(event, dict) and event else 0


def _mutating(event: Any, d: int) -> Any:
    """Change all that is within reach, then answer with it."""
    if isinstance(event, dict):
        for value in event.values():
            if isinstance(value, list):
                value.append(d % 3)
                if isinstance(value[0], list):
                    value[0].clear()
        event["mark"] = d % 5
        event.pop(next(iter(event)))
    elif isinstance(event, list):
        event.append(d % 3)
    return event


#: What a function answers, given the event and its digest.
ANSWERS: dict[str, Callable[[Any, int], Any]] = {
    "number": lambda e, d: d % 7,
    "label": lambda e, d: "xyz"[d % 3],
    "identity": lambda e, d: e,
    "mutating": _mutating,
    "mixed": lambda e, d: [d % 4, d % 4 / 8, "text", None, [d % 3, "n"], {"k": d % 5}, {"m": [1]},
                           True, MOMENT, {"k": 1, "l": "2"}, (1, 2), {}][d % 12],
    "flat": lambda e, d: {"a": d % 9, "b": d % 9 / 4},
    "gaps": lambda e, d: {"a": None if d % 4 == 0 else d % 9, "b": "t" if d % 3 == 0 else None},
    "odd_keys": lambda e, d: [{"a": d % 4}, {"b": d % 4, "a": 1.5}, {"a": 2, "b": "s"}][d % 3],
    "moment": lambda e, d: {"t": MOMENT + pd.Timedelta(d % 50, "h"), "a": d % 3},
    "one_sample": lambda e, d: {"inputs": [[d % 5, d % 3 / 2]]},
    "samples": lambda e, d: {"inputs": [[d % 5, i] for i in range(d % 3)]},
    "instances": lambda e, d: {"instances": [{"a": d % 5, "b": i} for i in range(1 + d % 2)]},
    "outputs": lambda e, d: {"outputs": [d % 2], "model_name": "mine"},
    "field": lambda e, d: _some_field(e),
    "type_strict": lambda e, d: [1, 2][_some_field(e) is None],
}  # fmt: skip


def per_event(kind: str, salt: int, bad: int = 0, is_async: bool = False) -> Step:
    """Make a step of one event; with ``bad``, it raises on one event in so many."""

    def answer(event: Any) -> Any:
        number = digest(event, salt)
        if bad and number % bad == 0:
            raise ValueError(f"bad event {number % 100}")
        return ANSWERS[kind](event, number // 16)

    async def waiting(event: Any) -> Any:
        return answer(event)

    step = Step(waiting if is_async else answer)
    step.name = None
    step.function.__name__ = f"{kind}_{salt}" + f"_bad{bad}" * bool(bad) + "_async" * is_async
    return step


# --- functions over a table -----------------------------------------------------------------


def rows_of(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    names, columns = list(frame.columns), [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _in_place(frame: pd.DataFrame, ds: list[int]) -> Any:
    for cell in frame.iloc[:, 0]:
        if isinstance(cell, (list, dict)):
            cell.clear()
    frame[frame.columns[0]] = frame.iloc[::-1, 0].to_numpy()
    frame["mark"] = ds
    frame.columns.name = frame.index.name = "changed"
    del frame[frame.columns[0]]
    return frame


#: What a function answers, given the table and the digest of each row.
TABLE_ANSWERS: dict[str, Callable[[pd.DataFrame, list[int]], Any]] = {
    "whole": lambda f, ds: f,
    "assigned": lambda f, ds: f.assign(z=[d % 10 for d in ds]),
    "in_place": _in_place,
    "doubled": lambda f, ds: f.iloc[:, 0] * 2,
    "floored": lambda f, ds: np.floor(f.iloc[:, 0]),
    "numbers": lambda f, ds: f[["a", "b"]],
    "year": lambda f, ds: f["t"].dt.year,
    "texts": lambda f, ds: pd.Series([f"v{d % 3}" for d in ds], index=f.index),
    "fresh_index": lambda f, ds: pd.DataFrame({"y": [d % 9 for d in ds], "x": [d % 4 for d in ds]}),
    "array": lambda f, ds: np.array([d % 6 for d in ds]),
    "wide": lambda f, ds: np.array([[d % 6, d % 4 / 2] for d in ds]),
    "cube": lambda f, ds: np.array([[[d % 6, 1]] for d in ds]),
    "listed": lambda f, ds: [[d % 3, None, {"k": d % 3}, "s"][d % 4] for d in ds],
    "categories": lambda f, ds: pd.Series([f"v{d % 3}" for d in ds], f.index, dtype="category"),
    "nullable": lambda f, ds: pd.array([d % 5 or None for d in ds], dtype="Int64"),
    "moments": lambda f, ds: np.array([MOMENT.to_datetime64()] * len(f)).astype("M8[ns]"),
}  # fmt: skip


def per_table(kind: str, salt: int, bad: int = 0, over: str = "frame") -> Step:
    """Make a step over a table; with ``bad``, it raises if any row of the table is bad."""

    def answer(frame: pd.DataFrame) -> Any:
        if not len(frame):
            EMPTY_CALLS.append(kind)
        numbers = [digest(row, salt) for row in rows_of(frame)]
        if bad and any(number % bad == 0 for number in numbers):
            raise ValueError("a bad row")
        return TABLE_ANSWERS[kind](frame, [number // 16 for number in numbers])

    def over_array(values: np.ndarray) -> Any:
        flat = values.reshape(len(values), -1)
        answered = answer(pd.DataFrame(flat, dtype=object if flat.dtype == object else None))
        values.flat[:] = values.flat[0]
        return answered

    async def waiting(frame: pd.DataFrame) -> Any:
        return answer(frame)

    step = Step({"frame": answer, "array": over_array, "async": waiting}[over])
    step.function.__name__ = f"table_{kind}_{salt}" + f"_bad{bad}" * bool(bad) + f"_{over}"
    return step


# --- models ---------------------------------------------------------------------------------

FEATURES = pd.DataFrame(
    {"a": [0, 1, 2, 3, 4, 5, 6, 7], "b": [0.5, 0.0, 1.0, 1.5, 0.5, 2.0, 0.0, 1.0]}
)
TARGET = np.array([0, 1, 0, 1, 1, 0, 1, 1])
TEXTS = np.array(["no", "yes"])[TARGET]


class Own:
    """A model that is not scikit-learn's; it changes what it is given."""

    def __init__(self, answers: str) -> None:
        self.answers = answers

    def predict(self, X: Any) -> Any:
        """Answer each row."""
        if not len(X):
            EMPTY_CALLS.append("own")
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.array(X), dtype=object)
        numbers = [
            digest(sorted(map(canonical_text, row.values()))) // 16 % 5 for row in rows_of(frame)
        ]
        for place in X if isinstance(X, pd.DataFrame) else range(len(X)):
            X[place] = X[next(iter(X))] if isinstance(X, pd.DataFrame) else X[0]
        index = pd.RangeIndex(len(numbers))
        return {
            "list": numbers,
            "series": pd.Series(numbers, index=index),
            "texts": [f"t{number}" for number in numbers],
            "pairs": [[number, number / 2] for number in numbers],
            "frame": pd.DataFrame({"p": numbers, "q": numbers}),
        }[self.answers]


@functools.cache
def fitted() -> dict[str, Any]:
    """Fit the models once: on a frame, on an array, on texts; some refuse NaN."""
    array = FEATURES.to_numpy()
    return {
        "logistic_frame": LogisticRegression().fit(FEATURES, TARGET),
        "logistic_array": LogisticRegression().fit(array, TEXTS),
        "tree_frame": DecisionTreeClassifier(max_depth=2, random_state=0).fit(FEATURES, TEXTS),
        "tree_array": DecisionTreeClassifier(max_depth=2, random_state=0).fit(array, TARGET),
        "swapped_frame": DecisionTreeClassifier(random_state=0).fit(FEATURES[["b", "a"]], TARGET),
        "dummy_array": DummyClassifier().fit(array, TARGET),
        "linear_frame": LinearRegression().fit(FEATURES, TARGET),
        "unfitted": LogisticRegression(),
    }


NUMBERS = st.integers(0, 99)
BAD = st.sampled_from([0, 0, 3, 6])
_over = st.sampled_from(["frame", "frame", "array", "async"])
_model_names = st.sampled_from(sorted(fitted()))
PROBABLE = st.sampled_from(["logistic_frame", "logistic_array", "tree_frame", "tree_array"])
_methods = st.sampled_from(["predict", "predict", "predict_proba"])


_own = st.sampled_from(["list", "series", "texts", "pairs", "frame"]).map(lambda a: Model(Own(a)))


@st.composite
def models(draw: Any) -> Model:
    if draw(st.integers(0, 3)) == 0:
        return draw(_own)
    model = fitted()[draw(_model_names)]
    method = draw(_methods)
    return Model(model, method if hasattr(model, method) else "predict")


def leaves() -> st.SearchStrategy[Any]:
    """Give steps and models."""
    return st.one_of(
        st.builds(per_event, st.sampled_from(sorted(ANSWERS)), NUMBERS, BAD, st.booleans()),
        st.builds(per_table, st.sampled_from(sorted(TABLE_ANSWERS)), NUMBERS, BAD, _over),
        models(),
    )


def spoilers() -> st.SearchStrategy[Any]:
    """Give steps and models that change what they are given."""
    return st.one_of(
        st.builds(per_event, st.just("mutating"), NUMBERS, BAD, st.booleans()),
        st.builds(per_table, st.just("in_place"), NUMBERS, BAD, _over),
        _own,
    )

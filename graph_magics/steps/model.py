"""`Model`: a fitted estimator, which predicts once for its whole selection of events."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..batch import Batch
from ..bodies import Bodies, Samples, column, plain
from ..columns import ANSWER_KEYS, over_columns
from ..context import Context
from ..copying import unshared
from ..errors import GraphError, a, counted, listed, near
from ..nodes import BadEvent, MissingColumns, Node, accepts
from ..scores import Task
from .parts import Parts
from .tiles import in_tiles, multiplies


class Model(Node):
    """A fitted model as a step.

    It predicts once for all events of a batch. A model that was fitted on a frame gets a frame
    with its columns in their order; a model that was fitted on arrays gets arrays. A JSON body
    ``{"inputs": [...]}`` is answered as MLRun does, ``{"model_name": ..., "outputs": [...]}``;
    ``{"instances": [...]}`` as KServe does, ``{"predictions": [...]}``.

    Each row is answered to the last bit as it is beside any others: a scikit-learn estimator
    that multiplies matrices is given rows in multiples of 16, the last one repeated.

    Of many rows, parts go on threads where that was seen to be quicker: an estimator of
    scikit-learn's that takes 40 ms and more is tried both ways.

    Parameters
    ----------
    model : object
        Anything with the method, such as a fitted scikit-learn estimator.
    method : str
        The method that answers: ``predict``, ``predict_proba``, ...
    name : str, optional
        Otherwise the variable's that the model or the step is in, or the model's class.

    Raises
    ------
    GraphError
        If the model has no such method, or is a class and not an instance.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from graph_magics import Graph, Model
    >>> dummy = DummyClassifier().fit([[0], [1], [2]], [0, 1, 1])
    >>> graph = Graph("guess", Model(dummy, method="predict_proba", name="dummy"))
    >>> graph.test({"instances": [[5], [6]]})["predictions"][0]
    [0.3333333333333333, 0.6666666666666666]
    """

    kind = "Model"
    predicts = True

    def __init__(self, model: Any, method: str = "predict", *, name: str | None = None) -> None:
        if inspect.isclass(model):
            raise GraphError(
                f"the class {model.__name__} is not a model; "
                f"fit an instance of it: {model.__name__}().fit(X, y)"
            )
        if not isinstance(method, str) or not callable(getattr(model, method, None)):
            names = [n for n in dir(model) if not n.startswith("_")]
            raise GraphError(f"{a(model)} has no method {method!r}{near(method, names)}")
        self.model = model
        self.method = method
        self.name = name
        self._parts = Parts(model)
        self._is_tiled: bool | None = None

    @property
    def title(self) -> str:
        """The model's class, with the method where it is not ``predict``."""
        name = type(self.model).__name__
        return name if self.method == "predict" else f"{name}.{self.method}"

    def natural_name(self) -> str:
        """The model's class in lower case, as scikit-learn names the steps of a pipeline."""
        return type(self.model).__name__.lower()

    @property
    def classes(self) -> np.ndarray | None:
        """The class labels, in the order of the columns of ``predict_proba``."""
        classes = getattr(self.model, "classes_", None)
        return None if classes is None or isinstance(classes, list) else np.asarray(classes)

    @property
    def task(self) -> Task | None:
        """What a scikit-learn estimator says it does; None where it does not say."""
        if "sklearn" not in sys.modules:
            return None
        from sklearn.base import BaseEstimator, is_classifier, is_regressor

        if not isinstance(self.model, BaseEstimator):
            return None
        if is_classifier(self.model):
            return "classification"
        return "regression" if is_regressor(self.model) else None

    def run(self, batch: Batch, context: Context) -> Batch:
        """Predict for every event of a batch."""
        return over_columns(batch, context, lambda some: self._attempt(some, context))

    def _attempt(self, batch: Batch, context: Context) -> Batch:
        return batch.attempt(
            lambda some: self._answer(some.bodies, context),
            context.failure,
            final=lambda error: isinstance(error, MissingColumns) or _is_unfitted(error),
            suspects=_with_gaps,
        )

    def _answer(self, bodies: Bodies, context: Context) -> Bodies:
        if not isinstance(bodies, Samples):
            return self._predict(bodies, context)
        if bodies.key not in ANSWER_KEYS:
            raise BadEvent(f'a model takes "inputs" or "instances", got "{bodies.key}"')
        values = self._predict(bodies.values, context) if len(bodies.values) else np.empty(0)
        extra: dict[str, Any] = {}
        if bodies.key == "inputs":
            extra = {"model_name": context.name}
            if context.setup.event_id is not None:
                extra = {"id": context.setup.event_id, **extra}
        return bodies.holding(values, ANSWER_KEYS[bodies.key], extra)

    def _predict(self, values: Any, context: Context) -> Any:
        try:
            rows = self._features(values)
            result = self._parts.predict(self._predictor, rows, context.setup.at_once)
        except Exception as error:
            if _is_unfitted(error):
                raise _Unfitted(
                    f"the {type(self.model).__name__} is not fitted; fit it before the run"
                ) from error
            raise
        return _as_rows(result, len(values))

    @property
    def _predictor(self) -> Callable[[Any], Any]:
        if self._is_tiled is None:
            self._is_tiled = multiplies(self.model)
        predict: Callable[[Any], Any] = getattr(self.model, self.method)
        return partial(in_tiles, predict) if self._is_tiled else predict

    def _features(self, values: Any) -> Any:
        """The events' columns as the model was fitted on them."""
        names = getattr(self.model, "feature_names_in_", None)
        if names is not None:
            return _named(values, names)
        wanted = getattr(self.model, "n_features_in_", None)
        if not isinstance(wanted, int):
            return unshared(values)  # Not scikit-learn's, or of texts: it gets what there is.
        array = values.to_numpy() if isinstance(values, pd.DataFrame) else unshared(values)
        _check_width(array, wanted)
        return array


def _check_width(values: Any, wanted: int) -> None:
    if values.ndim == 2 and values.shape[1] == wanted:
        return
    got = f"the events have {values.shape[1]}" if values.ndim == 2 else "a sample is a single value"
    raise MissingColumns(f"the model takes {counted(wanted, 'feature')}, {got}")


def _named(values: Any, names: Sequence[Any]) -> pd.DataFrame:
    """The columns that a model was fitted on, in their order."""
    if not isinstance(values, pd.DataFrame):
        _check_width(values, len(names))
        return pd.DataFrame(values, columns=pd.Index(names))
    if len(values.columns) == len(names) and (values.columns == names).all():
        return unshared(values)
    missing = [name for name in names if name not in values.columns]
    if missing:
        hint = near(str(missing[0]), map(str, values.columns))
        noun = "column" if len(missing) == 1 else "columns"
        raise MissingColumns(
            f"the events lack the {noun} {listed(missing)} that the model was fitted on{hint}"
        )
    return values[list(names)]


class _Unfitted(GraphError):
    """The model raised NotFittedError: the same for every event."""


def _is_unfitted(error: Exception) -> bool:
    return isinstance(error, _Unfitted) or type(error).__name__ == "NotFittedError"


def _as_rows(result: Any, size: int) -> Any:
    """A model's answer as an array: an item or a row for each of its samples."""
    rows = result
    if isinstance(result, list) and result and all(np.ndim(part) == 2 for part in result):
        # Scikit-learn's probabilities of several outputs: a table each.
        rows = np.concatenate(result, axis=1)
    elif not isinstance(result, np.ndarray):
        rows = _as_array(result)
    if rows is None or not rows.ndim:
        raise GraphError(f"the model answered {type(result).__name__}, not an item for each sample")
    if len(rows) != size:
        raise GraphError(
            f"the model answered {counted(len(rows), 'item')} for {counted(size, 'sample')}"
        )
    return rows


def _as_array(result: Any) -> Any:
    if isinstance(result, pd.Series):
        return plain(result)
    if isinstance(result, pd.DataFrame):
        return result.to_numpy()
    if isinstance(result, (list, tuple)):
        nested = any(isinstance(item, (list, tuple, np.ndarray)) for item in result)
        return np.array(result) if nested else column(result)
    return result if isinstance(result, pd.api.extensions.ExtensionArray) else None


def _with_gaps(batch: Batch) -> np.ndarray | None:
    """The events with a missing or infinite number, which most models refuse."""
    bodies = batch.bodies
    if isinstance(bodies, pd.DataFrame):
        is_number = [dtype.kind in "iuf" for dtype in bodies.dtypes]
        numbers = bodies.loc[:, is_number].to_numpy(dtype=float, na_value=np.nan)
    elif isinstance(bodies, np.ndarray) and bodies.dtype.kind == "f":
        numbers = bodies.reshape(len(bodies), -1)
    elif isinstance(bodies, Samples) and bodies.counts is None:
        return _with_gaps(Batch(bodies.values, batch.positions))
    else:
        return None
    return ~np.isfinite(numbers).all(axis=1)


@accepts(lambda thing: callable(getattr(thing, "predict", None)) and not inspect.isclass(thing))
def _model(thing: Any) -> Node:
    return Model(thing)

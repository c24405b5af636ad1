"""`Poll`: how an ensemble's models are counted (MLRun 1.12, without its defects)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np

from ... import votes
from ...errors import GraphError, a, counted, listed
from .paths import Refused

VOTE_TYPES = ("classification", "regression")
#: So far from 1 the sum of weights may be, which are then used as they are (MLRun 1.12).
_ROUNDING = 1e-5
#: Beyond this, not every whole number is a float.
_EXACT = 2.0**53


class Poll:
    """The weights of an ensemble's routes, and how their answers are counted.

    Parameters
    ----------
    routes : sequence of str
    weights : mapping of str to float, or None
        As declared; all equal if None.

    Raises
    ------
    GraphError
        If a weight is no number, or those of the routes do not add up to more than 0.

    Examples
    --------
    >>> Poll(["a", "b", "c"], {"a": 2, "b": 1, "c": 1}).shares
    {'a': 0.5, 'b': 0.25, 'c': 0.25}
    >>> Poll(["a", "b"], None).event(["a", "b"], [[1, 0], [1, 2]], None)
    [1, 0]
    """

    def __init__(self, routes: Sequence[str], weights: Mapping[str, float] | None) -> None:
        self.told: dict[str, float] | None = None
        if weights is None:
            self._counts = dict.fromkeys(routes, 1 / len(routes))
        else:
            _check(weights, routes)
            self.told = {**weights, **{name: 0 for name in routes if name not in weights}}
            self._counts = {name: self.told[name] for name in routes}
        total = sum(self._counts.values())
        if abs(1 - total) <= _ROUNDING:
            total = 1
        #: Weight of each route, adding up to 1.
        self.shares = {name: weight / total for name, weight in self._counts.items()}
        self._all = list(routes)
        self._all_counts, self._all_shares = list(self._counts.values()), list(self.shares.values())

    def event(self, names: list[str], columns: list[list[Any]], vote_type: str | None) -> list[Any]:
        """Count the predictions that routes have for one event.

        Parameters
        ----------
        names : list of str
            Routes that answered.
        columns : list of list
            The predictions of each, one a sample.
        vote_type : {"classification", "regression"} or None
            None: a regression, if one of them is a float.

        Raises
        ------
        Refused
            If the routes answered different numbers of predictions, or what cannot be counted.
        """
        self.check_sizes(names, columns)
        shares = self._all_shares if names == self._all else self.weights_of(names)
        kinds = set(map(type, chain.from_iterable(columns)))
        if vote_type is None:
            vote_type = "classification" if kinds == _WHOLE else self.deduced(kinds)
        if vote_type == "classification":
            if kinds != _WHOLE:
                columns = [self.labels(c, n) for n, c in zip(names, columns, strict=True)]
            return votes.few_majority(columns, self._counts_of(names))
        if not kinds <= _NUMBERS:
            return self.mean(columns, shares, names)
        return votes.few_totals(columns, shares)

    @staticmethod
    def check_sizes(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> None:
        """Refuse routes that have not the same number of predictions for an event."""
        if not columns:
            raise Refused("no route answered")
        sizes = list(map(len, columns))
        if sizes.count(sizes[0]) == len(sizes):
            return
        for name, size in zip(names, sizes, strict=True):
            if size != sizes[0]:
                raise Refused(
                    f"the route {name!r} answered {counted(size, 'prediction')}, "
                    f"{names[0]!r} answered {sizes[0]}"
                )

    def many(
        self, names: list[str], columns: list[Any], vote_type: str | None
    ) -> np.ndarray | None:
        """Count the predictions for the samples of many events at once.

        Returns
        -------
        ndarray, or None
            None where the events have to be counted one by one.
        """
        arrays = [np.asarray(column) for column in columns]
        try:
            shares = self.weights_of(names)
        except Refused:
            return None  # So each event fails by itself.
        shape = arrays[0].shape
        if any(array.dtype.kind not in "biuf" or array.shape != shape for array in arrays):
            return None
        if vote_type is None:
            is_float = any(array.dtype.kind == "f" for array in arrays)
            vote_type = "regression" if is_float else "classification"
            if len(shape) != 1:
                return None
        if vote_type == "regression":
            return votes.total(arrays, shares)
        if len(shape) != 1:
            return None
        labels = [_cut(array) for array in arrays]
        if any(array is None for array in labels):
            return None
        return votes.majority(labels, self._counts_of(names))

    def weights_of(self, names: Sequence[str]) -> list[float]:
        """Weights of some routes, adding up to 1.

        Raises
        ------
        Refused
            If all of them are 0.
        """
        if names == self._all:
            return self._all_shares
        weights = self._of(names, self.shares)
        total = sum(weights)
        if not total > 0:
            raise Refused(f"the routes that answered, {listed(names)}, have no weight")
        return [weight / total for weight in weights]

    def _counts_of(self, names: Sequence[str]) -> list[float]:
        return self._all_counts if names == self._all else self._of(names, self._counts)

    @staticmethod
    def _of(names: Sequence[str], weights: Mapping[str, float]) -> list[float]:
        try:
            return [weights[name] for name in names]
        except KeyError as error:
            raise Refused(f"{error} is no route of the ensemble") from None

    @staticmethod
    def deduced(kinds: Iterable[type]) -> str:
        """What predictions of these types are: a float makes it a regression."""
        return "regression" if any(issubclass(k, _FLOATS) for k in kinds) else "classification"

    @staticmethod
    def labels(column: Iterable[Any], route: str | None = None) -> list[int]:
        """Predictions as labels: whole numbers, cut where they are broken."""
        labels = []
        for value in column:
            try:
                if not isinstance(value, (Real, np.bool_, str)):
                    raise TypeError
                labels.append(int(value))  # type: ignore[arg-type]
            except (ValueError, TypeError, OverflowError):
                raise Refused(
                    f"{_said(route, value)}, which is no label; a vote counts whole numbers"
                    + _several(value)
                ) from None
        return labels

    @staticmethod
    def majority(columns: list[list[Any]], weights: list[float]) -> list[int]:
        """The label of each sample with the greatest weight behind it."""
        return votes.few_majority([Poll.labels(column) for column in columns], weights)

    @staticmethod
    def mean(
        columns: list[list[Any]], weights: list[float], names: Sequence[str] = ()
    ) -> list[Any]:
        """The weighted sum for each sample, or for each output of each sample."""
        arrays = []
        for place, column in enumerate(columns):
            route = names[place] if names else None
            for value in column:
                if not isinstance(value, (Real, np.bool_, list, tuple, np.ndarray)):
                    raise Refused(f"{_said(route, value)}, which is no number")
            try:
                arrays.append(np.asarray(column, dtype=float))
            except (ValueError, TypeError):
                raise Refused(
                    f"{_said(route, column)}, which are not as many numbers for each sample"
                ) from None
        return votes.total(arrays, weights).tolist()


_FLOATS = (float, np.floating)
_WHOLE = {int}
_NUMBERS = {int, float, bool}


def columns_of(predictions: Any) -> list[list[Any]]:
    """The predictions of each model, given those for each sample."""
    return [list(column) for column in zip(*predictions, strict=True)]


def as_list(route: str, outputs: Any) -> list[Any]:
    """Predictions as a list, a prediction a sample."""
    if type(outputs) is list:
        return outputs
    if isinstance(outputs, tuple):
        return list(outputs)
    if getattr(outputs, "ndim", 0):
        return outputs.tolist()
    raise Refused(f"the route {route!r} answered {a(outputs)}, not a list of predictions")


def _check(weights: Any, routes: Sequence[str]) -> None:
    if not isinstance(weights, Mapping):
        raise GraphError(f"weights must be a dict of route to weight, got {a(weights)}")
    for name, weight in weights.items():
        if not isinstance(weight, Real) or not math.isfinite(weight):
            raise GraphError(f"the weight of {name!r} must be a number, got {weight!r}")
    if not sum(weight for name, weight in weights.items() if name in routes) > 0:
        raise GraphError(
            f"the weights of the routes {listed(routes)} must add up to more than 0; got weights "
            f"for {listed(weights) or 'none'}"
        )


def _cut(array: np.ndarray) -> np.ndarray | None:
    """Numbers as labels; None where that is not the same for all of them."""
    if array.dtype.kind == "f":
        if not (np.abs(array) < _EXACT).all():  # None of them may be missing, either.
            return None
    elif array.dtype == np.uint64:
        return None
    return array.astype(np.int64, copy=False)


def _said(route: str | None, value: Any) -> str:
    return f"the route {route!r} answered {value!r:.60}" if route else f"got {value!r:.60}"


def _several(value: Any) -> str:
    if not isinstance(value, (list, tuple, np.ndarray)):
        return ""
    return '; several outputs a sample take vote_type="regression"'

"""Features of entities: looked up in a table or asked of a function, and imputed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ...bodies import column, plain
from ...errors import GraphError, a, listed, near
from .paths import Refused

#: What ``$name`` in an impute policy stands for: a number made of a feature's values.
_STATISTICS: dict[str, Callable[[pd.Series], Any]] = {
    "$mean": pd.Series.mean,
    "$min": pd.Series.min,
    "$max": pd.Series.max,
    "$std": pd.Series.std,
    "$count": pd.Series.count,
}
#: A policy for every feature.
_ALL = "*"


class Features:
    """Gives the features of entities: what MLRun calls an online feature service.

    Parameters
    ----------
    keys : sequence of str
        What an entity is known by; empty where that is not known.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = list(keys)
        self.names: list[str] = []

    def get(self, entity_rows: Any, as_list: bool = False) -> list[Any]:
        """Give the features of entities, each a list or an object.

        Parameters
        ----------
        entity_rows : list of dict or of list
            The keys of each entity, by name or in order.

        Raises
        ------
        Refused
            If that is no such list, or an entity is not known and its features not imputed.
        """
        rows = self.vectors([self.entity(row) for row in rows_of(entity_rows)])
        return rows if as_list else [dict(zip(self.names, row, strict=True)) for row in rows]

    def entity(self, row: Any) -> dict[str, Any]:
        """The keys of an entity by name."""
        if isinstance(row, dict):
            missing = [key for key in self.keys if key not in row]
            if missing:
                raise Refused(
                    f"an entity needs {listed(self.keys)}; {row!r:.60} lacks {missing[0]!r}"
                )
            return row
        if not isinstance(row, (list, tuple)):
            raise Refused(
                f"an entity is an object or a list of its keys {listed(self.keys)}, got {a(row)}"
            )
        if len(row) != len(self.keys):
            raise Refused(
                f"an entity has the keys {listed(self.keys) or '(none said)'}, got {row!r:.60}"
            )
        return dict(zip(self.keys, row, strict=True))

    def vectors(self, entities: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """The features of entities, in their order."""
        raise NotImplementedError


class TableFeatures(Features):
    """Features that stand in a table, a row an entity; of several rows the last counts.

    Parameters
    ----------
    frame : DataFrame
    keys : sequence of str, optional
        Columns, or names of its index; the index's if absent.
    label : str, optional
        A column that is no feature.
    policy : mapping
        Feature to what stands for a missing value: a constant, or ``$mean``, ``$min``, ``$max``,
        ``$std``, ``$count`` of the feature; ``*`` is all others.

    Examples
    --------
    >>> ages = pd.DataFrame({"age": [20.0, None], "visits": [1, 2]}, pd.Index([7, 8], name="id"))
    >>> TableFeatures(ages, policy={"age": "$mean"}).get([{"id": 8}], as_list=True)
    [[20.0, 2]]
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        keys: Sequence[str] | None = None,
        label: str | None = None,
        policy: Mapping[str, Any] | None = None,
    ) -> None:
        frame, keys = _keyed(frame, keys)
        super().__init__(keys)
        features = frame.drop(columns=[*keys, *([label] if label in frame.columns else [])])
        self.names = list(features.columns)
        known = [frame[key].tolist() for key in keys]
        entities = known[0] if len(known) == 1 else list(zip(*known, strict=True))
        self._rows = dict(zip(entities, range(len(frame)), strict=True))
        fills = fills_for(policy or {}, self.names, features)
        self._columns = [_filled(features[name], fills.get(name)) for name in self.names]
        #: Of an entity that is not known; None where something of it would be missing.
        self._unknown = (
            [fills[name] for name in self.names] if len(fills) == len(self.names) else None
        )

    def vectors(self, entities: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """Look all of them up at once."""
        found = self._found(entities)
        lost = [place for place, row in enumerate(found) if row is None]
        if lost and self._unknown is None:
            told = {key: entities[lost[0]][key] for key in self.keys}
            raise Refused(
                f"the source knows no entity {told!r:.80}; give all features an impute_policy, "
                'such as {"*": "$mean"}'
            )
        rows = np.array([0 if row is None else row for row in found], dtype=np.int64)
        if len(lost) == len(found):
            return [list(self._unknown or ()) for _ in found]
        columns = [each.take(rows).tolist() for each in self._columns]
        vectors = [list(row) for row in zip(*columns, strict=True)] or [[] for _ in found]
        for place in lost:
            vectors[place] = list(self._unknown or ())
        return vectors

    def _found(self, entities: Sequence[Mapping[str, Any]]) -> list[int | None]:
        try:
            if len(self.keys) == 1:
                (key,) = self.keys
                return [self._rows.get(entity[key]) for entity in entities]
            return [self._rows.get(tuple(entity[k] for k in self.keys)) for entity in entities]
        except TypeError:
            raise Refused(
                f"the keys {listed(self.keys)} of an entity must be single values"
            ) from None


class AskedFeatures(Features):
    """Features that a function gives, for all entities that are asked for at once.

    Parameters
    ----------
    ask : callable
        Given a list of entities, dicts of their keys, gives a list of dicts of their features in
        the same order, None for one that is not known; or a table of as many rows.
    keys, label, policy
        As in `TableFeatures`; constants only.
    """

    def __init__(
        self,
        ask: Callable[[list[dict[str, Any]]], Any],
        keys: Sequence[str] | None = None,
        label: str | None = None,
        policy: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(keys or [])
        self._ask = ask
        self._label = label
        self._policy = dict(policy or {})
        for name, value in self._policy.items():
            if isinstance(value, str) and value.startswith("$"):
                raise GraphError(
                    f"impute_policy: {value!r} of {name!r} needs a table; a function's features "
                    "are imputed with constants"
                )

    def vectors(self, entities: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """Ask for all of them at once."""
        if not entities:
            return []
        answers = self._ask([dict(entity) for entity in entities])
        if isinstance(answers, pd.DataFrame):
            answers = answers.to_dict("records")
        if not isinstance(answers, (list, tuple)) or len(answers) != len(entities):
            size = f"{len(answers)}" if isinstance(answers, (list, tuple)) else a(answers)
            raise Refused(
                f"the feature source must give a list with an item for each of the "
                f"{len(entities)} entities, it gave {size}"
            )
        if not self.names:
            self.names = self._named(answers)
        return [
            self._vector(entity, answer) for entity, answer in zip(entities, answers, strict=True)
        ]

    def _named(self, answers: Sequence[Any]) -> list[str]:
        first: Mapping[str, Any] = next((x for x in answers if isinstance(x, Mapping)), {})
        apart = {*self.keys, self._label}
        return [name for name in first if name not in apart]

    def _vector(self, entity: Mapping[str, Any], answer: Any) -> list[Any]:
        if answer is None:
            answer = {}
            if not self.names or not all(
                n in self._policy or _ALL in self._policy for n in self.names
            ):
                raise Refused(
                    f"the source knows no entity {dict(entity)!r:.80}; give all features an "
                    'impute_policy, such as {"*": 0}'
                )
        elif not isinstance(answer, Mapping):
            raise Refused(
                f"the feature source must give a dict for each entity, it gave {a(answer)}"
            )
        values = [answer.get(name) for name in self.names]
        return [
            self._policy.get(name, self._policy.get(_ALL, value)) if _is_missing(value) else value
            for name, value in zip(self.names, values, strict=True)
        ]


def rows_of(inputs: Any) -> list[Any]:
    """The entities of a request, which may be one."""
    if isinstance(inputs, dict):
        return [inputs]
    if not isinstance(inputs, list):
        raise Refused(f'"inputs" must be a list of entities, got {a(inputs)}')
    return inputs


def fills_for(policy: Any, names: Sequence[str], features: pd.DataFrame) -> dict[str, Any]:
    """What stands for a missing value of each feature that has a policy.

    Raises
    ------
    GraphError
        If a feature or a statistic is not known, or the statistic cannot be made.
    """
    if not isinstance(policy, Mapping):
        raise GraphError(f"impute_policy must be a dict of feature to value, got {a(policy)}")
    for name in policy:
        if name not in names and name != _ALL:
            raise GraphError(
                f"impute_policy names {name!r}, which is no feature{near(str(name), names) or '.'} "
                f"There are {listed(names)}"
            )
    fills = {}
    for name in names:
        if name in policy:
            fills[name] = _fill(name, policy[name], features[name])
        elif _ALL in policy:
            value = policy[_ALL]
            # Statistics for all are those of numbers; of a text there is none.
            if not _is_statistic(value) or is_numeric_dtype(features[name].dtype):
                fills[name] = _fill(name, value, features[name])
    return fills


def _is_statistic(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$")


def _fill(name: str, value: Any, feature: pd.Series) -> Any:
    if not _is_statistic(value):
        return value
    if value not in _STATISTICS:
        raise GraphError(
            f"impute_policy of {name!r}: {value!r} is no statistic{near(value, _STATISTICS)}; "
            f"there are {listed(_STATISTICS)}"
        )
    known = feature[~feature.map(_is_missing)]
    if value != "$count" and not is_numeric_dtype(known.infer_objects().dtype):
        raise GraphError(f"impute_policy of {name!r}: {value!r} needs numbers; write a constant")
    made = _STATISTICS[value](known.infer_objects())
    if _is_missing(made):
        raise GraphError(f"impute_policy of {name!r}: the source has too few values for {value!r}")
    return made.item() if isinstance(made, np.generic) else made


def _filled(feature: pd.Series, fill: Any) -> Any:
    """A feature's values, with what stands for those that are missing."""
    values = plain(feature)
    if isinstance(values, np.ndarray) and values.dtype.kind in "iub":
        return values
    cells = feature.tolist()
    if fill is not None or feature.dtype.kind != "f":  # Numbers keep their NaN.
        cells = [fill if _is_missing(value) else value for value in cells]
    return column(cells)


def _is_missing(value: Any) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, (float, np.floating)) and not math.isfinite(value)


def _keyed(frame: pd.DataFrame, keys: Sequence[str] | None) -> tuple[pd.DataFrame, list[str]]:
    """A table with its keys as columns, and what they are."""
    named = [name for name in frame.index.names if name is not None]
    if keys is None:
        if len(named) < frame.index.nlevels:
            raise GraphError(
                "the feature source has no name for its index; write entity_keys=[...], the "
                "columns that an entity is known by"
            )
        keys = [str(name) for name in named]
    keys = [keys] if isinstance(keys, str) else list(keys)
    if any(key in named for key in keys):
        frame = frame.reset_index(level=[name for name in named if name not in frame.columns])
    for key in keys:
        if key not in frame.columns:
            known = listed([*named, *frame.columns])
            raise GraphError(f"the feature source has no entity key {key!r}; it has {known}")
    return frame, keys

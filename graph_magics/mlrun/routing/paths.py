"""Which route and which operation a request asks for: by its path, or by its body (MLRun 1.12)."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...batch import Batch
from ...bodies import Samples
from ...errors import GraphError, a, listed

#: What an ensemble does by itself: the last part of a path that is no model's name.
OPERATIONS = ("infer", "predict", "explain")
#: What the operation is, where a request says none.
_DEFAULT = "infer"
_NAMELESS = "neither the path nor a body names a model"
#: How many paths are remembered.
_MOST_PATHS = 1_000
#: Rows of a batch that ask for the same; None for all.
Group = tuple[Any, "np.ndarray | None"]


class Refused(GraphError, ValueError):
    """A request cannot be answered: its path, its body or what a route made of it is wrong."""

    status = 400


def is_under(path: str, prefix: str) -> bool:
    """Whether a path is a prefix, or goes on after it with a slash.

    >>> is_under("/v2/models/m1", "/v2/models"), is_under("/v2/modelsm1", "/v2/models")
    (True, False)
    """
    bare = prefix.rstrip("/")
    return path == bare or path.startswith(f"{bare}/")


def read_json(body: Any) -> Any:
    """Read a text or bytes that are JSON and no number."""
    if not isinstance(body, (str, bytes, bytearray)):
        raise TypeError(f"a router takes an object, got {a(body)}")
    read = json.loads(body)
    if not isinstance(read, (dict, list)):
        raise TypeError(f"a router takes an object, got {a(read)}")
    return read


class Models:
    """Finds one of several models.

    Parameters
    ----------
    prefix : str
        What all paths begin with.
    routes : sequence or mapping of str
        The names of the models.
    """

    def __init__(self, prefix: str, routes: Sequence[str] | Mapping[str, Any]) -> None:
        self.prefix = prefix
        self.routes = routes
        self._known: dict[str | None, Callable[[Any], tuple[str, Any]]] = {}

    def key_of(self, path: str | None) -> Callable[[Any], tuple[str, Any]]:
        """What a body asks for on this path, as a function: a model and an operation.

        No model, with an operation of None, is the list of all.
        """
        key = self._known.get(path)
        if key is None:
            if len(self._known) >= _MOST_PATHS:
                self._known.clear()
            key = self._known[path] = self._key_of(path)
        return key

    def _key_of(self, path: str | None) -> Callable[[Any], tuple[str, Any]]:
        model, operation = self._segments(path)
        if operation is None and path and path != "/":
            return lambda body: ("", None)
        first = next(iter(self.routes))

        def key(body: Any) -> tuple[str, Any]:
            if not isinstance(body, dict):
                return model, _DEFAULT if operation is None else operation
            asked = body.get("operation", operation)
            return model or body.get("model", first), _DEFAULT if asked is None else asked

        return key

    def checked(self, key: tuple[str, Any]) -> tuple[str, Any]:
        """Give what was asked for, if there is such a model.

        Raises
        ------
        Refused
            If there is none.
        """
        name, operation = key
        if operation is None or name in self.routes:
            return key
        if not name:
            raise Refused(f"{_NAMELESS}; the models are {listed(self.routes)}")
        # The very words of MLRun: error handlers answer with them.
        raise Refused(f"model {name} doesnt exist, available models: {' | '.join(self.routes)}")

    def resolved(self, body: Any, path: str | None) -> tuple[str, Any]:
        """Give the model and the operation that a request asks for."""
        return self.checked(self.key_of(path)(body))

    def _segments(self, path: str | None) -> tuple[str, str | None]:
        """The model and the operation in a path; an operation of None where it says neither."""
        if not path or path == "/":
            return "", None
        rest = path[len(self.prefix) :].strip("/")
        if not rest:
            return "", None
        segments = rest.split("/")
        model = segments[0]
        if len(segments) > 2 and segments[1] == "versions":
            model, segments = f"{model}:{segments[2]}", segments[2:]
        return model, "/".join(segments[1:])


class Ensembles(Models):
    """Finds the ensemble, or one of its models.

    Parameters
    ----------
    names : sequence of str
        What the ensemble is called, the first being its name.
    """

    def __init__(
        self, prefix: str, routes: Sequence[str] | Mapping[str, Any], names: Sequence[str]
    ) -> None:
        super().__init__(prefix, routes)
        self.names = names

    def _key_of(self, path: str | None) -> Callable[[Any], tuple[str, Any]]:
        # A body's ``model`` is not looked at (MLRun 1.12).
        model, operation = self._segments(path)
        if operation is None and path and path != "/":
            return lambda body: ("", None)
        if operation == "" and model in OPERATIONS:
            name = self.names[0]
            return lambda body: (name, model)

        def key(body: Any) -> tuple[str, Any]:
            if not isinstance(body, dict):
                return model, _DEFAULT if operation is None else operation
            asked = body.get("operation", operation)
            return model or self.names[0], _DEFAULT if asked is None else asked

        return key

    def checked(self, key: tuple[str, Any]) -> tuple[str, Any]:
        """Give what was asked for, if there is such a model or it is the ensemble."""
        name, operation = key
        if operation is None or name in self.routes or name in self.names:
            return key
        if not name:
            raise Refused(f"{_NAMELESS}; the models are {listed([*self.routes, self.names[0]])}")
        known = " | ".join([*self.routes, self.names[0]])
        raise Refused(
            f"model {name} doesnt exist, available models: {known} "
            "or an operation alone for ensemble operation"
        )


_NO_TEXTS = "the model and the operation that a body names must be texts"


def grouped(
    batch: Batch, key_of: Callable[[Any], Hashable]
) -> tuple[list[Group], dict[int, Exception]]:
    """Give what the events of a batch ask for, each with their rows; and who asks for nothing.

    Parameters
    ----------
    key_of : callable
        What a body asks for.
    """
    like = _alike(batch)
    if like is not None:
        return [(key_of(like), None)], {}
    if len(batch) == 1:
        key = key_of(batch.events()[0])
        try:
            hash(key)
        except TypeError:
            return [], {0: Refused(_NO_TEXTS)}
        return [(key, None)], {}
    events = batch.events()
    if set(map(type, events)) == {dict} and not [
        True for body in events if "operation" in body or "model" in body
    ]:
        return [(key_of(events[0]), None)], {}
    groups: dict[Any, list[int]] = {}
    wrong: dict[int, Exception] = {}
    for row, body in enumerate(events):
        key = key_of(body)
        try:
            groups.setdefault(key, []).append(row)
        except TypeError:
            wrong[row] = Refused(_NO_TEXTS)
    if len(groups) == 1 and not wrong:
        return [(next(iter(groups)), None)], {}
    return [(key, np.array(rows)) for key, rows in groups.items()], wrong


def _alike(batch: Batch) -> dict[Any, Any] | None:
    """A body that stands for all, where they are columns that name neither model nor operation."""
    bodies = batch.bodies
    if isinstance(bodies, list):
        return None
    if isinstance(bodies, pd.DataFrame):
        names: Any = bodies.columns
    elif isinstance(bodies, Samples):
        names = bodies.extra
    else:
        return None
    return None if "model" in names or "operation" in names else {}

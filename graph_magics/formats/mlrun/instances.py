"""Objects that stand for steps, as the class and the arguments that they were made with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ...errors import GraphError
from .paths import is_ours

_MISSING = object()
#: What a step is told by its graph, and not made with (MLRun 1.12).
_TOLD = frozenset(
    ("context", "name", "input_path", "result_path", "full_event", "routes", "graph_step")
)
#: What our routers and models make of an argument that they are not given.
_MADE_UP = {"protocol": "v2", "url_prefix": "/v2/models", "health_prefix": "/v2/health"}
#: What MLRun's own classes do not take, though ours of the same names do.
ONLY_OURS = frozenset(
    ("allow_pickle", "batch", "entity_keys", "label_column", "on_missing", "trusted")
)


def arguments_of(made: object) -> dict[str, Any]:
    """Give the arguments of an object's class, as far as its attributes tell them.

    As MLRun has it: an argument ``x`` is kept as the attribute ``x`` or ``_x``, and those that
    the class does not name as ``kwargs`` or ``_kwargs``.

    Raises
    ------
    GraphError
        If an argument that must be given is not kept.

    Examples
    --------
    >>> class Scale:
    ...     def __init__(self, factor, offset=0):
    ...         self.factor, self._offset = factor, offset
    ...     def do(self, x):
    ...         return x * self.factor + self._offset
    >>> arguments_of(Scale(2)), arguments_of(Scale(2, offset=1))
    ({'factor': 2}, {'factor': 2, 'offset': 1})
    """
    given: dict[str, Any] = {}
    kind = type(made)
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in _TOLD or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            others = _kept("kwargs", made)
            if isinstance(others, Mapping):
                given |= {key: value for key, value in others.items() if key not in _TOLD}
            continue
        value = _kept(name, made)
        if value is not _MISSING:
            if not _is_default(value, parameter.default) and value != _MADE_UP.get(name, _MISSING):
                given[name] = value
        elif parameter.default is parameter.empty:
            raise GraphError(
                f"a {kind.__name__} does not keep its argument {name!r} as an attribute; declare "
                f'it as class_name="{kind.__name__}" with its arguments'
            )
    return given


def only_ours(name: str, made_of: type) -> bool:
    """Whether an argument is one that a class of ours takes, and MLRun's of that name does not.

    An argument that a subclass of the user's takes itself is the user's.

    >>> from graph_magics.mlrun import ParallelRun
    >>> only_ours("trusted", ParallelRun), only_ours("trusted", dict)
    (True, False)
    """
    if name not in ONLY_OURS or not any(map(is_ours, made_of.__mro__)):
        return False
    return not any(
        "__init__" in vars(kind) and name in inspect.signature(vars(kind)["__init__"]).parameters
        for kind in made_of.__mro__
        if kind is not object and not is_ours(kind)
    )


def _kept(name: str, made: object) -> Any:
    return getattr(made, name, getattr(made, f"_{name}", _MISSING))


def _is_default(value: Any, default: Any) -> bool:
    try:
        return value is default or bool(type(value) is type(default) and value == default)
    except Exception:  # Such as arrays, which do not compare to one truth.
        return False

"""Classes and functions that a declaration names as texts, found among the user's variables."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import GraphError, a, near, one_line
from ..naming import named_in

#: Packages whose names are taken as ours.
THEIRS = ("mlrun", "storey")


class Namespace:
    """Where names are looked up: the user's variables, then what MLRun's users import.

    Parameters
    ----------
    *variables : mapping
        Asked in this order.
    """

    def __init__(self, *variables: Mapping[str, Any]) -> None:
        self.variables = variables

    def __contains__(self, name: str) -> bool:
        return any(name in some for some in self.variables)

    def __getitem__(self, name: str) -> Any:
        for some in self.variables:
            if name in some:
                return some[name]
        raise KeyError(name)

    def near(self, name: str, fits: Callable[[Any], bool], others: Sequence[str] = ()) -> str:
        """Say which of the variables that fit, or of others, has a name near this."""
        known = [key for some in self.variables for key, value in some.items() if fits(value)]
        return near(name, [*known, *others])

    def only(self, declared: Any) -> Namespace:
        """Keep the variables that a declaration may name."""
        return Namespace(named_in(declared, self))


def class_of(name: Any, namespace: Namespace) -> Any:
    """Find the class that ``class_name`` says; an object that stands there is given as it is.

    Raises
    ------
    GraphError
        If there is none, with the nearest name.

    Examples
    --------
    >>> class_of("mlrun.serving.routers.VotingEnsemble", Namespace()).__name__
    'VotingEnsemble'
    """
    if not isinstance(name, str):
        return name
    found = _named(name, namespace, _is_step)
    if found is None:
        last = name.rpartition(".")[2]
        ours = sys.modules[__package__].__all__
        raise GraphError(f"there is no class {name!r}{namespace.near(last, _is_step, ours)}")
    if isinstance(found, str) or inspect.ismodule(found):
        raise GraphError(f"class_name {name!r} is {a(found)}, no class")
    return found


def function_of(handler: Any, namespace: Namespace) -> Callable[..., Any]:
    """Find the function that ``handler`` says: a name, a dotted path or an expression of ``event``.

    Raises
    ------
    GraphError
        If there is none, or the expression is none.

    Examples
    --------
    >>> function_of("(event + 1)", Namespace())(2), function_of("math.sqrt", Namespace())(16)
    (3, 4.0)
    """
    if callable(handler):
        return handler
    if not isinstance(handler, str):
        raise GraphError(f"a handler is a function or its name, got {a(handler)}")
    text = handler.strip()
    if text.startswith("("):
        return _expression(text, namespace)
    found = _named(text, namespace, callable)
    if found is None:
        raise GraphError(f"there is no function {text!r}{namespace.near(text, inspect.isroutine)}")
    if not callable(found):
        raise GraphError(f"the handler {text!r} is {a(found)}, no function")
    return found


def evaluated(expression: str, what: str, **names: Any) -> Callable[[Any], Any]:
    """Make a function of an expression of ``event``, which the user wrote in the declaration.

    Other names may stand in it, too, if they are given.

    >>> evaluated("event['a'] + 1", "body_expression")({"a": 1})
    2
    """
    try:
        return eval(compile(f"lambda event: ({expression})", "<expression>", "eval"), names)
    except SyntaxError as error:
        raise GraphError(f"{what} {expression!r} is no expression: {one_line(error)}") from None


def _expression(text: str, namespace: Namespace) -> Callable[[Any], Any]:
    if not text.endswith(")"):
        raise GraphError(f'an expression stands in parentheses, "(event + 1)"; got {text!r}')
    return evaluated(text[1:-1], "the handler")


def _named(name: str, namespace: Namespace, fits: Callable[[Any], bool]) -> Any:
    if name in namespace:
        return namespace[name]
    first, _, rest = name.partition(".")
    if not rest:
        return _ours(name)
    if first in THEIRS:
        return _ours(name.rpartition(".")[2])
    if first in namespace:
        return _inside(namespace[first], rest)
    return _imported(name)


def _ours(name: str) -> Any:
    ours = sys.modules[__package__]
    return getattr(ours, name) if name in ours.__all__ else None


def _inside(thing: Any, path: str) -> Any:
    for part in path.split("."):
        thing = getattr(thing, part, None)
        if thing is None:
            return None
    return thing


def _imported(name: str) -> Any:
    """Import the longest part of a dotted path that is a module, and look up the rest in it."""
    parts = name.split(".")
    for size in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:size])
        try:
            return _inside(importlib.import_module(module), ".".join(parts[size:]))
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise GraphError(f"importing {module!r} failed: {one_line(error)}") from error
        except Exception as error:
            raise GraphError(f"importing {module!r} failed: {one_line(error)}") from error
    return None


def _is_step(thing: Any) -> bool:
    handlers: Sequence[str] = ("do", "do_event", "predict")
    return inspect.isclass(thing) or any(hasattr(thing, handler) for handler in handlers)

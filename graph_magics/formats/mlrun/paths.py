"""Names of classes and functions as MLRun looks them up."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ... import __name__ as _PACKAGE
from ... import mlrun
from ...errors import GraphError, a
from ...mlrun.lookup import Namespace
from ...naming import variable_of
from ...nodes import Node

_ROUTERS = ("mlrun.serving.routers",)
#: Where MLRun 1.12 has the classes that are ours too; the first is what is written.
_PLACES = {
    "SKLearnModelServer": ("mlrun.frameworks.sklearn",),
    "V2ModelServer": ("mlrun.serving", "mlrun.serving.v2_serving"),
    "BaseModelRouter": _ROUTERS,
    "ModelRouter": (*_ROUTERS, "mlrun.serving"),
    "ParallelRun": _ROUTERS,
    "VotingEnsemble": (*_ROUTERS, "mlrun.serving"),
    "EnrichmentModelRouter": _ROUTERS,
    "EnrichmentVotingEnsemble": _ROUTERS,
    "ErrorStep": ("mlrun.serving", "mlrun.serving.states"),
    "QueueStep": ("mlrun.serving", "mlrun.serving.states"),
    "RouterStep": ("mlrun.serving", "mlrun.serving.states"),
    "TaskStep": ("mlrun.serving", "mlrun.serving.states"),
    "GraphContext": ("mlrun.serving", "mlrun.serving.server"),
    "Response": ("mlrun.serving.server",),
    "Event": ("storey", "storey.dtypes"),
    "ChoiceByField": ("mlrun.serving.steps",),
    "Merge": ("mlrun.serving.merger",),
    "BatchHttpRequests": ("mlrun.serving.remote",),
    "RemoteStep": ("mlrun.serving.remote",),
    "DropColumns": ("storey.flow",),
    "ReifyMetadata": ("storey.flow",),
    "EmitPeriod": ("storey.steps",),
    "Flatten": ("storey", "storey.steps"),
    "ForEach": ("storey", "storey.steps"),
    "Partition": ("storey.steps",),
    "SampleWindow": ("storey", "storey.steps"),
    **dict.fromkeys(
        ("OperationTypes", "ParallelRunnerModes", "VotingTypes"), ("mlrun.serving.routers",)
    ),
    **dict.fromkeys(
        (
            *("Batch", "Choice", "Complete", "ConcurrentExecution", "Extend", "Filter"),
            *("FlatMap", "Flow", "Map", "MapClass", "MapWithState", "Reduce", "Rename"),
        ),
        ("storey", "storey.flow"),
    ),
}
_OURS = mlrun.__name__
#: Modules of code that is the user's own, and not to be imported by MLRun.
_NOTEBOOKS = ("__main__", "__graph__")


def is_ours(made_of: Any) -> bool:
    """Whether a class is one of those that MLRun has, and we too."""
    module = getattr(made_of, "__module__", None) or ""
    return inspect.isclass(made_of) and (module == _OURS or module.startswith(f"{_OURS}."))


def home_of(name: str) -> str:
    """The module in which MLRun has a class of ours.

    >>> home_of("Extend"), home_of("VotingEnsemble")
    ('storey', 'mlrun.serving.routers')
    """
    return _PLACES.get(name, ("mlrun.serving",))[0]


def theirs(name: str) -> str:
    """The path of a class that MLRun has too.

    >>> theirs("Merge"), theirs("RemoteStep")
    ('mlrun.serving.merger.Merge', '$remote')
    """
    return "$remote" if name == "RemoteStep" else f"{home_of(name)}.{name}"


def text_path(name: str, namespace: Namespace) -> tuple[str, Any]:
    """Give the path that is written for a class named in a declaration, and what it is here.

    Returns
    -------
    path : str
    found : object or None
        The user's class or object of this name; None where there is none, or it is MLRun's.

    Examples
    --------
    >>> text_path("VotingEnsemble", Namespace())
    ('mlrun.serving.routers.VotingEnsemble', None)
    >>> text_path("mlrun.serving.VotingEnsemble", Namespace())
    ('mlrun.serving.VotingEnsemble', None)
    """
    if name.startswith("$"):
        return name, None
    if name in namespace:
        found = namespace[name]
        if is_ours(found) or (_is_node(found) and found.__name__ in _PLACES):
            return theirs(found.__name__), None
        return name, found
    module, _, last = name.rpartition(".")
    if last not in _PLACES:
        return name, None
    is_named = not module or module in _PLACES[last]
    if is_named and module:
        return name, None
    first = module.partition(".")[0]
    if not module or first in ("mlrun", "storey", _PACKAGE) or _is_our_module(first, namespace):
        return theirs(last), None
    return name, None


def _is_node(found: Any) -> bool:
    """Whether it is a class of Python's parts, some of which have the names of MLRun's."""
    return inspect.isclass(found) and issubclass(found, Node)


def _is_our_module(name: str, namespace: Namespace) -> bool:
    found = _variable_called(name, namespace)
    return isinstance(found, ModuleType) and found.__name__ in (_OURS, _PACKAGE)


def class_path(made_of: type, namespace: Namespace) -> str:
    """Name a class by its path, or as the function's code must have it."""
    if is_ours(made_of):
        return theirs(made_of.__name__)
    return _importable(made_of, namespace) or _variable(made_of, namespace) or made_of.__name__


def function_path(function: Callable[..., Any], namespace: Namespace) -> str:
    """Name a function by its path, or as the function's code must have it.

    Raises
    ------
    GraphError
        If it has no name that MLRun could find it by.

    Examples
    --------
    >>> import json
    >>> function_path(json.dumps, Namespace()), function_path(abs, Namespace())
    ('json.dumps', 'builtins.abs')
    """
    if inspect.ismethod(function) and not inspect.isclass(function.__self__):
        kind = type(function.__self__).__name__
        raise GraphError(
            f"the method {function.__name__} of a {kind} is no function to MLRun; write "
            f'class_name="{kind}", handler="{function.__name__}"'
        )
    known = _importable(function, namespace) or _variable(function, namespace)
    if known:
        return known
    if isinstance(function, functools.partial):
        raise GraphError("a functools.partial has no name; write a function with def")
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or not inspect.isroutine(function):
        raise GraphError(f"{a(function)} is no function with a name; write one with def")
    if not name.isidentifier():
        raise GraphError("a lambda has no name; write a function with def")
    return name


def _variable_called(name: str, namespace: Namespace) -> Any:
    return namespace[name] if name in namespace else None  # noqa: SIM401 - it has no get


def _variable(thing: Any, namespace: Namespace) -> str | None:
    return variable_of(thing, *namespace.variables)


def _importable(thing: Any, namespace: Namespace) -> str | None:
    """The dotted path of what stands in a module, other than the one that declares the graph."""
    module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    here = _variable_called("__name__", namespace)
    if not isinstance(module, str) or not isinstance(path, str) or module in (*_NOTEBOOKS, here):
        return None
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return f"{module}.{path}" if found is thing else None


def is_installed(path: str) -> bool:
    """Whether a dotted path is of Python itself, of MLRun or of storey."""
    first, _, rest = path.partition(".")
    return bool(rest) and (first in sys.stdlib_module_names or first in ("mlrun", "storey"))

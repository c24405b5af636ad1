"""Names of what is declared, and what an object says of itself."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ...errors import GraphError, listed, near
from ...outputs import RESERVED


def name_for(name: str | None, class_name: Any) -> str:
    """Give the name of what is declared: the one given, else the object's own, or its class's.

    >>> name_for(None, "mlrun.serving.VotingEnsemble"), name_for("vote", "any")
    ('VotingEnsemble', 'vote')
    """
    if name:
        return name
    own = getattr(class_name, "name", None)
    if isinstance(own, str) and own and not inspect.isclass(class_name):
        return own
    if class_name is None:
        raise GraphError("a step that is a handler needs a name: name=...")
    if isinstance(class_name, str):
        return class_name.rpartition(".")[2]
    return getattr(class_name, "__name__", type(class_name).__name__)


def check_name(name: Any, what: str) -> None:
    """Refuse what cannot be a name."""
    if not isinstance(name, str) or not name or "." in name:
        raise GraphError(f"the name of a {what} must be a text without a dot, got {name!r}")
    if name in RESERVED:
        raise GraphError(f"{name!r} is a column of every run; call the {what} otherwise")


def is_router(class_name: Any) -> bool:
    """Whether it is a router's class or object, ours or of MLRun itself."""
    kind = class_name if inspect.isclass(class_name) else type(class_name)
    return any(base.__name__ == "BaseModelRouter" for base in kind.__mro__)


def take_paths(step: Any, made: Any) -> None:
    """What an object was made with holds where the call says nothing."""
    if isinstance(made, str) or inspect.isclass(made):
        return
    step.input_path = step.input_path or getattr(made, "_input_path", None)
    step.result_path = step.result_path or getattr(made, "_result_path", None)
    step.full_event = step.full_event or getattr(made, "_full_event", None)


def item_of(known: Mapping[str, Any], name: Any, what: str, node: str | None) -> Any:
    """Give one of several by its name; or say which there are."""
    if name not in known:
        there = f" There are {listed(known)}" if known else f" There is no {what} yet"
        raise GraphError(
            f"no {what} is called {name!r}{near(str(name), known) or '.'}{there}", node=node
        )
    return known[name]


def remove(known: dict[str, Any], names: Any, what: str, node: str | None) -> None:
    """Take some away, or all if none is named; none at all, if one is not there."""
    names = [names] if isinstance(names, str) else list(names or known)
    for name in names:
        item_of(known, name, what, node)
    for name in names:
        known.pop(name, None)

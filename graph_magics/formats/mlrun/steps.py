"""What a declared step is made of, in MLRun's terms: a class or a handler, and arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

from ... import mlrun
from ...errors import GraphError, a
from ...mlrun.base import ServedNode
from ...mlrun.declaring import RouterStep, TaskStep
from ...nodes import Node
from .instances import arguments_of, only_ours
from .made import Made
from .needs import Needs
from .parts import made_of_model, made_of_node
from .pytext import NoLiteral, literal


def made_of_part(node: Node, where: str, needs: Needs) -> Made:
    """Say what a node is made of, which may be that of a declared step."""
    if isinstance(node, ServedNode):
        return made_of_step(node.step, where, needs)
    return made_of_node(node, where, needs)


def made_of_step(step: TaskStep, where: str, needs: Needs) -> Made:
    """Say what a declared step is made of; what cannot be said is refused."""
    is_router = isinstance(step, RouterStep)
    made = Made(is_router=is_router, routes=step.routes if isinstance(step, RouterStep) else {})
    if step.handler is not None:
        # With a class, it is the name of a method.
        is_method = step.class_name is not None and isinstance(step.handler, str)
        made.handler = step.handler if is_method else needs.function(step.handler, where)
    found: Any = step.class_name
    if isinstance(found, str):
        made.class_name, named = needs.class_named(found, where)
        found = _class_behind(made.class_name) if named is None else named
        if not inspect.isclass(found) and found is not None:
            made.class_name = None  # It names an object, which stands for itself.
    if inspect.isclass(found):
        made.class_name = made.class_name or needs.class_of(found, where)
        made.arguments = _arguments(step.class_args, found, where, needs)
    elif found is None:
        made.arguments = _arguments(step.class_args, object, where, needs)
    else:
        _of_object(made, found, step, where, needs)
    _check_weights(made, where, needs)
    return made


def _of_object(made: Made, thing: Any, step: TaskStep, where: str, needs: Needs) -> None:
    """Complete what a step is made of by the object that was handed to it."""
    if isinstance(thing, Node):
        other = made_of_part(thing, where, needs)
    elif inspect.isroutine(thing) or isinstance(thing, functools.partial):
        other = Made(handler=needs.function(thing, where))
    elif not isinstance(thing, TaskStep) and _is_model(thing):
        other = made_of_model(thing, "predict", where, needs)
    else:
        other = Made(class_name=needs.class_of(type(thing), where), handler=made.handler)
        try:
            other.arguments = _arguments(arguments_of(thing), type(thing), where, needs)
        except GraphError as error:
            needs.refuse(where, error.message)
    made.class_name, made.handler = other.class_name, other.handler
    made.arguments = other.arguments
    made.is_router = made.is_router or other.is_router
    made.routes = made.routes or other.routes


def _is_model(thing: Any) -> bool:
    """Whether an object is a fitted model, and no class of MLRun's manners."""
    is_step = any(hasattr(thing, name) for name in ("do", "do_event", "run_by"))
    return hasattr(thing, "predict") and not is_step


def _class_behind(path: str) -> Any:
    """Our class for a path of MLRun's, if there is one."""
    first, _, rest = path.rpartition(".")
    name = "RemoteStep" if path == "$remote" else rest
    if path != "$remote" and first.partition(".")[0] not in ("mlrun", "storey"):
        return None
    found = getattr(mlrun, name, None) if name in mlrun.__all__ else None
    return found if inspect.isclass(found) else None


def _arguments(given: Mapping[str, Any], made_of: type, where: str, needs: Needs) -> dict[str, Any]:
    """The arguments of a class, as literals; functions as names that MLRun looks up."""
    written = {}
    for name, value in given.items():
        if only_ours(name, made_of):
            needs.leave_out(f"{name}=", where)
        elif name.startswith("_") and (isinstance(value, str) or _is_code(value)):
            written[name] = _code(value, where, needs)
        elif _is_code(value):
            written[f"_{name}"] = _code(value, where, needs)
        elif name == "model" and _is_model(value) and not given.get("model_path"):
            written["model_path"] = needs.model(value, made_of.__name__, where)
        else:
            try:
                literal(value)
            except NoLiteral as error:
                needs.refuse(where, _no_literal(name, value, error.value))
            else:
                written[name] = value
    return written


def _is_code(value: Any) -> bool:
    return (
        inspect.isroutine(value) or inspect.isclass(value) or isinstance(value, functools.partial)
    )


def _code(value: Any, where: str, needs: Needs) -> str:
    return needs.class_of(value, where) if inspect.isclass(value) else needs.function(value, where)


def _no_literal(name: str, value: Any, part: Any) -> str:
    if name == "feature_vector_uri":
        return f"{name} is {a(value)}; give the URI of a feature vector of MLRun, store://..."
    told = "is" if part is value else "holds"
    return f"the argument {name!r} {told} {a(part)}, which cannot be written; {_instead(part)}"


def _instead(value: Any) -> str:
    if hasattr(value, "predict"):
        return "save the model, and give its path as model_path"
    if hasattr(value, "to_parquet") or hasattr(value, "to_frame") or hasattr(value, "dtype"):
        return "save it to a file, and give the path"
    if callable(value):
        return "give the name of a function, as a text"
    return "give what it is made of, and make it in the step's __init__"


def _check_weights(made: Made, where: str, needs: Needs) -> None:
    """Note weights that MLRun 1.12 counts otherwise than we do."""
    weights = made.arguments.get("weights")
    if not (made.class_name or "").endswith("VotingEnsemble") or not isinstance(weights, Mapping):
        return
    try:
        total = float(sum(weights[name] for name in weights))
    except (TypeError, ValueError):
        return
    if abs(total - 1) > 1e-5:
        needs.note(
            f"{where!r}: its weights add up to {total:g}, and MLRun wants a sum of 1: "
            "it fails below that, and scales regressions above it"
        )

"""The statements that declare a graph by MLRun's calls."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from typing import Any

from ...errors import a
from ...flow import Flow
from ...mlrun.declaring import (
    BaseStep,
    ErrorStep,
    QueueStep,
    RootFlowStep,
    RootRouterStep,
    TaskStep,
)
from ...mlrun.face import FunctionSpec
from .made import Made
from .needs import Needs
from .parts import placed
from .pytext import Call, NoLiteral, literal, statement
from .steps import made_of_part, made_of_step

Arguments = list[tuple[str, Any]]

_PATHS = ("input_path", "result_path")
_OF_STEPS = ("graph_shape", "function", "full_event", *_PATHS)
#: What the calls have parameters for, so that it is no argument of a class there (MLRun 1.12).
_TAKEN = {
    "add_step": {"self", "class_name", "name", "handler", "after", "before", *_OF_STEPS},
    "add_route": {
        *("self", "key", "route", "class_name", "handler", "function", "creation_strategy"),
        *_PATHS,
    },
    "error_handler": {
        *("self", "name", "class_name", "handler", "before", "function", "full_event"),
        *_PATHS,
    },
    "set_topology": {
        *("self", "topology", "class_name", "engine", "exist_ok", "allow_cyclic"),
        *("max_iterations", "name", *_PATHS),
    },
}


class Writer:
    """Writes the statements for the declarations or the parts of one graph.

    Parameters
    ----------
    needs : Needs
        Is told what the text needs beside it, and what cannot be written.
    """

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.statements: list[str] = []
        self._variables = {"fn", "graph", "mlrun"}

    def spec(self, spec: FunctionSpec) -> None:
        """Write what a function has besides its graph."""
        values = {
            "parameters": spec.parameters,
            "load_mode": None if spec.load_mode == "sync" else spec.load_mode,
            "graph_initializer": spec.graph_initializer,
            "default_content_type": spec.default_content_type,
        }
        if spec.graph_initializer is not None:
            given = spec.graph_initializer
            values["graph_initializer"] = self.needs.function(given, "graph_initializer")
        for name, value in values.items():
            if value:
                self._add(value, f"fn.spec.{name}", f"spec.{name}")

    def declared(self, root: RootFlowStep | RootRouterStep) -> None:
        """Write a graph that was declared by MLRun's calls."""
        if isinstance(root, RootRouterStep):
            self._router(root)
            return
        self._topology([("engine", root.engine)])
        self._flow(root)

    def parts(self, root: Flow) -> None:
        """Write a graph of Python's parts."""
        self._topology([("engine", "async")])
        steps, answers = placed(root, self.needs)
        for step in steps:
            made = made_of_part(step.part, step.where, self.needs)
            arguments = [*_names(made, step.name), *_after(step.after)]
            arguments += made.arguments.items()
            then = ".respond()" if step.name == answers else ""
            self._step(made, Call("graph.add_step", arguments, then), step.name, step.where)

    # --- the graph

    def _topology(self, arguments: Arguments, kind: str = "flow") -> None:
        self._add(Call("fn.set_topology", [("", kind), *arguments]), "graph")

    def _router(self, root: RootRouterStep) -> None:
        made = self._made(root, root.name or "")
        usual = (made.class_name or "router").rpartition(".")[2]
        named = root.name if root.name != usual else None
        paths = [(path, getattr(root, path)) for path in _PATHS if getattr(root, path)]
        if named or paths or not _fit(made, "set_topology"):
            # As arguments of set_topology they are lost in MLRun.
            name = [("name", named)] if named else []
            self._topology([("", _task(made, [*name, *paths]))], "router")
        else:
            kind = [("", made.class_name)] if made.class_name else []
            self._topology([*kind, *made.arguments.items()], "router")
        self._routes(made.routes, "graph", root.name or "")

    def _flow(self, root: RootFlowStep) -> None:
        late = [name for name, step in root.steps.items() if not _follows_earlier(root, step)]
        handlers = {name for name, step in root.steps.items() if isinstance(step, ErrorStep)}
        owners: dict[str, list[tuple[str, str]]] = {}
        for where, owner in (("", root), *root.steps.items()):
            if owner.on_error is None:
                continue
            if owner.on_error not in handlers:
                self.needs.refuse(where, f"its error handler {owner.on_error!r} is none, or was "
                                  "taken away; call error_handler again")  # fmt: skip
            variable = f"graph[{literal(where)}]" if where else "graph"
            owners.setdefault(owner.on_error, []).append((where, variable))
        there: set[str] = set()
        for name, step in root.steps.items():
            there.add(name)
            if isinstance(step, ErrorStep):
                if name not in owners:
                    self.needs.refuse(name, "no step has this error handler any more; take it away "
                                      f"with graph.clear_children([{name!r}])")  # fmt: skip
                for where, variable in owners.get(name, []):
                    if not where or where in there:
                        self._error_handler(step, variable)
            else:
                self._declared_step(name, step, () if name in late else step.after)
            if step.on_error in there and step.on_error != name:
                # The handler was declared first, for another step.
                handler = root.steps[step.on_error]
                if isinstance(handler, ErrorStep):
                    self._error_handler(handler, f"graph[{literal(name)}]")
        for name in late:
            self._add(Call(f"graph[{literal(name)}].after_step",
                           [("", before) for before in root.steps[name].after]))  # fmt: skip

    def _declared_step(self, name: str, step: BaseStep, after: Any) -> None:
        shape: Arguments = [("graph_shape", step.shape)] if step.shape else []
        if isinstance(step, QueueStep):
            arguments: Arguments = [("class_name", "$queue"), ("name", name), *_after(after)]
            arguments += [*shape, *_said(step, ("function",)), ("path", step.path)]
            arguments += step.options.items()
            self._add(Call("graph.add_step", arguments), where=name)
            return
        assert isinstance(step, TaskStep)
        made = self._made(step, name)
        more = _said(step, ("function", *(() if made.is_router else ("full_event",)), *_PATHS))
        if _fit(made, "add_step"):
            arguments = [*_names(made, name), *_after(after), *shape, *more]
            arguments += made.arguments.items()
        else:
            function = _said(step, ("function",))
            rest = [pair for pair in more if pair not in function]
            arguments = [("", _task(made, rest)), ("name", name), *_after(after), *shape]
            arguments += function
        then = ".respond()" if step.responder else ""
        self._step(made, Call("graph.add_step", arguments, then), name, name)

    def _error_handler(self, step: ErrorStep, variable: str) -> None:
        name = step.name or ""
        made = self._made(step, name)
        if not _fit(made, "error_handler"):
            clash = sorted(_TAKEN["error_handler"] & set(made.arguments))
            self.needs.refuse(name, f"error_handler cannot give its class the argument "
                              f"{clash[0]!r}; call it otherwise")  # fmt: skip
        before = [("before", step.before[0] if len(step.before) == 1 else list(step.before))]
        arguments = [*_names(made, name), *(before if step.before else ())]
        arguments += [*_said(step, ("function", "full_event", *_PATHS)), *made.arguments.items()]
        self._add(Call(f"{variable}.error_handler", arguments), where=name)
        if step.responder:
            self._add(Call(f"graph[{literal(name)}].respond", []))

    # --- steps and their routes

    def _step(self, made: Made, call: Call, name: str, where: str) -> None:
        if not made.routes:
            self._add(call, where=where)
            return
        variable = self._variable(name)
        self._add(call, variable, where)
        self._routes(made.routes, variable, where)

    def _routes(self, routes: Mapping[str, Any], router: str, where: str) -> None:
        for name, route in routes.items():
            here = f"{where}.{name}"
            is_declared = isinstance(route, TaskStep)
            made = self._made(route, here)
            more = _said(route, ("full_event", *_PATHS)) if is_declared else []
            said = _said(route, ("function", "creation_strategy")) if is_declared else []
            if made.is_router:
                more = [pair for pair in more if pair[0] != "full_event"]
            if made.is_router or more or not _fit(made, "add_route"):
                arguments: Arguments = [("", name), ("", _task(made, more)), *said]
            else:
                arguments = [("", name), *_names(made, None), *said, *made.arguments.items()]
            call = Call(f"{router}.add_route", arguments)
            self._step(made, call, name, here)

    def _made(self, part: Any, where: str) -> Made:
        make: Any = made_of_step if isinstance(part, TaskStep) else made_of_part
        made: Made = make(part, where, self.needs)
        return made

    # --- text

    def _variable(self, name: str) -> str:
        """A variable for a router: called as it is, as far as that can be."""
        stem = re.sub(r"\W", "_", name)
        if not stem.isidentifier() or keyword.iskeyword(stem) or stem in vars(builtins):
            stem = f"router_{stem}".rstrip("_")
        variable, number = stem, 2
        while variable in self._variables:
            variable, number = f"{stem}_{number}", number + 1
        self._variables.add(variable)
        return variable

    def _add(self, value: Any, target: str = "", where: str = "") -> None:
        """Write a call, or what is assigned to a target."""
        try:
            self.statements.append(statement(value, target))
        except NoLiteral as error:
            told = f"{a(error.value)} in it cannot be written; give a text or a number"
            self.needs.refuse(where or target, told)


def _follows_earlier(root: RootFlowStep, step: BaseStep) -> bool:
    """Whether all that a step follows was declared before it, as ``after=`` asks for."""
    names = list(root.steps)
    earlier = names[: names.index(step.name or "")]
    is_step = not isinstance(step, ErrorStep)
    return not step.after or (is_step and all(n in earlier and n != "$prev" for n in step.after))


def _fit(made: Made, call: str) -> bool:
    """Whether the arguments of a class can be given by a call: it has no such parameters itself."""
    return not _TAKEN[call] & set(made.arguments)


def _names(made: Made, name: str | None) -> Arguments:
    kind = made.class_name
    if made.is_router:
        kind = f"*{kind or ''}"
    pairs = [("class_name", kind), ("name", name), ("handler", made.handler)]
    return [(key, value) for key, value in pairs if value is not None]


def _after(names: Any) -> Arguments:
    if not names:
        return []
    return [("after", names[0] if len(names) == 1 else list(names))]


def _said(step: Any, names: Any) -> Arguments:
    pairs = [(name, getattr(step, name, None)) for name in names]
    return [(name, value) for name, value in pairs if value is not None]


def _task(made: Made, more: Arguments) -> Call:
    """A step as an object, for what the calls have no arguments for."""
    pairs: Arguments = [("class_name", made.class_name), ("class_args", made.arguments or None)]
    pairs.append(("handler", made.handler))
    arguments = [(name, value) for name, value in pairs if value is not None]
    kind = "RouterStep" if made.is_router else "TaskStep"
    return Call(f"mlrun.serving.{kind}", [*arguments, *more])

"""The declared flow: what ``graph`` is with the topology ``flow``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ...errors import GraphError, near
from .names import check_name, is_router, item_of, name_for, remove, take_paths
from .routers import RouterStep
from .steps import BaseStep, QueueStep, TaskStep

_Step = TypeVar("_Step", bound=BaseStep)


class RootFlowStep(BaseStep):
    """A declared flow: what ``graph`` is with the topology ``flow`` (MLRun 1.12)."""

    kind = "flow"

    def __init__(self, engine: str | None = None) -> None:
        super().__init__()
        if engine not in (None, "sync", "async"):
            raise GraphError(f'engine must be "sync" or "async", got {engine!r}')
        self.engine = engine or "async"
        self.steps: dict[str, Any] = {}
        self.version = 0
        self._last_added: Any = None

    def add_step(
        self,
        class_name: Any = None,
        name: str | None = None,
        handler: Any = None,
        after: Any = None,
        before: Any = None,
        graph_shape: str | None = None,
        function: str | None = None,
        full_event: bool | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
        **class_args: Any,
    ) -> Any:
        """Add a step anywhere in the flow, and give it (MLRun 1.12).

        Parameters
        ----------
        class_name, name, handler, graph_shape, function, full_event, input_path, result_path,
        **class_args
            As in `BaseStep.to`.
        after : str or list of str, optional
            The steps before it; ``"$prev"`` is the one added last. Without it the step is one
            of those that events come in at.
        before : str or list of str, optional
            The steps that are to follow it, instead of what they followed.

        Raises
        ------
        GraphError
            If a step that it names is not there, or it would come before and after the same.
        """
        step = self._declared(
            class_name, name, handler, graph_shape, function, full_event, input_path, result_path,
            class_args,
        )  # fmt: skip
        earlier = self._known(after, "after", step)
        later = self._known(before, "before", step)
        for other in later:
            if other == step.name or other in earlier:
                raise GraphError(f"a cycle: {other!r} cannot come both before and after it").at(
                    node=step.name
                )
        step = self._put(step)
        step.after_step(*earlier)
        if any(self.steps[other].after for other in later):
            step.after = []  # As MLRun has it: it is put in where these came after others.
        for other in later:
            step.after_step(*self.steps[other].after)
            self.steps[other].after_step(step.name, append=False)
        self._last_added = step
        return step

    def set_flow(self, steps: Sequence[Any], force: bool = False) -> Any:
        """Declare all steps one after the other, and give the last (MLRun 1.12).

        Parameters
        ----------
        steps : list of dict, or of classes and their names
            A dict holds the arguments of `to`.
        force : bool
            Whether steps declared before are thrown away.

        Raises
        ------
        GraphError
            If there are steps already.
        """
        if self.steps and not force:
            raise GraphError("there are steps already; write set_flow([...], force=True)")
        self.steps = {}
        last: Any = self
        for step in steps:
            last = last.to(**step) if isinstance(step, Mapping) else last.to(step)
        return last

    def clear_children(self, steps: Sequence[str] | None = None) -> None:
        """Take steps away; all, if none is named."""
        remove(self.steps, steps, "step", None)
        self._changed()

    def __getitem__(self, name: str) -> Any:
        return item_of(self.steps, name, "step", None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.steps)

    def _flow(self) -> RootFlowStep:
        return self

    def _changed(self) -> None:
        self.version += 1

    def _put(self, step: _Step) -> _Step:
        """Place a step; another of its name is replaced, as MLRun does."""
        check_name(step.name, "step")
        step._parent = self
        self.steps[step.name or ""] = step
        self._changed()
        return step

    def _known(self, names: Any, word: str, step: BaseStep) -> list[str]:
        known = []
        for name in names if isinstance(names, (list, tuple)) else [names]:
            name = getattr(name, "name", name)
            if name is None:
                continue
            if name == "$prev":
                if self._last_added is not None and self._last_added.name in self.steps:
                    known.append(self._last_added.name)
                continue
            if name not in self.steps:
                raise GraphError(
                    f"{word}={name!r} is no step of the graph{near(str(name), self.steps)}",
                    node=step.name,
                )
            known.append(name)
        return known

    @staticmethod
    def _declared(
        class_name: Any,
        name: str | None,
        handler: Any,
        graph_shape: str | None,
        function: str | None,
        full_event: bool | None,
        input_path: str | None,
        result_path: str | None,
        class_args: Mapping[str, Any],
    ) -> Any:
        """Make the declaration of a step of any kind."""
        step: Any
        if isinstance(class_name, (TaskStep, QueueStep)):
            step = class_name
            step.name = name or step.name or name_for(None, getattr(step, "class_name", None))
            step.function = function or step.function
            if isinstance(step, TaskStep):
                step.full_event = full_event or step.full_event
                step.input_path = input_path or step.input_path
                step.result_path = result_path or step.result_path
        elif class_name in (">>", "$queue"):
            if not name:
                raise GraphError("a queue needs a name")
            step = QueueStep(name, **class_args)
            step.function = function
        elif isinstance(class_name, str) and class_name.startswith("*"):
            kind = class_name[1:] or None
            routes = dict(class_args).pop("routes", None)
            rest = {key: value for key, value in class_args.items() if key != "routes"}
            step = RouterStep(
                kind, rest, handler, routes, name or name_for(None, kind or "router"), function,
                input_path, result_path,
            )  # fmt: skip
        elif class_name is None and handler is None:
            raise GraphError("a step needs a class_name or a handler", node=name)
        else:
            made = RouterStep if is_router(class_name) else TaskStep
            step = made(
                class_name, class_args, handler, name=name_for(name, class_name), function=function,
                input_path=input_path, result_path=result_path,
            )  # fmt: skip
            step.full_event = full_event
            take_paths(step, class_name)
        step.shape = graph_shape or step.shape
        return step

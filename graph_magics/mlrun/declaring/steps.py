"""Declared steps: tasks, error handlers and queues, and how others follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from ...errors import GraphError
from .names import name_for


class BaseStep:
    """What all declared steps have: a place in a flow, and who follows them.

    A declaration says what is to be; nothing is made of it before the graph is first run.
    """

    kind: ClassVar[str] = "BaseStep"

    def __init__(self, name: str | None = None, after: Any = None) -> None:
        self.name = name
        self.after: list[str] = [after] if isinstance(after, str) else list(after or ())
        self.shape: str | None = None
        self.on_error: str | None = None
        self._parent: Any = None

    @property
    def parent(self) -> Any:
        """The flow or the router that it stands in."""
        return self._parent

    def after_step(self, *after: Any, append: bool = True) -> Self:
        """Say which steps it comes after, besides those already said unless ``append=False``."""
        if not append:
            self.after = []
        for step in after:
            name = step if isinstance(step, str) else step.name
            if name not in self.after:
                self.after.append(name)
        self._changed()
        return self

    def to(
        self,
        class_name: Any = None,
        name: str | None = None,
        handler: Any = None,
        graph_shape: str | None = None,
        function: str | None = None,
        full_event: bool | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
        **class_args: Any,
    ) -> Any:
        """Add the step that follows this one, and give it (MLRun 1.12).

        Parameters
        ----------
        class_name : str, type or step
            A class or its name; ``"*..."`` is a router, ``"$queue"`` a queue, ``"$remote"`` a
            call over HTTP.
        name : str, optional
            The class's name if absent.
        handler : str or callable, optional
            A function, its name, or an expression such as ``"(event + 1)"``; with a class, the
            method that is called.
        graph_shape : str, optional
            Kept for the export.
        function : str, optional
            The function that it is to run in when it is deployed; kept, drawn and exported.
        full_event : bool, optional
            Whether it gets the event with its path, id and headers, not only the body.
        input_path, result_path : str, optional
            Where in the body it reads and writes, such as ``data.b``.
        **class_args
            What the class is made with.

        Returns
        -------
        TaskStep, RouterStep or QueueStep

        Raises
        ------
        GraphError
            If it cannot be: without a class or a handler, or without a name.
        """
        flow = self._flow()
        step = flow._declared(
            class_name, name, handler, graph_shape, function, full_event, input_path, result_path,
            class_args,
        )  # fmt: skip
        step = flow._put(step)
        if self is not flow:
            step.after_step(self.name)
        flow._last_added = step
        return step

    def set_flow(self, steps: Sequence[Any], force: bool = False) -> Any:
        """Declare all steps of a flow at once; see `RootFlowStep.set_flow`."""
        raise GraphError("set_flow belongs to the graph: graph.set_flow([...])", node=self.name)

    def error_handler(
        self,
        name: str | None = None,
        class_name: Any = None,
        handler: Any = None,
        before: Any = None,
        function: str | None = None,
        full_event: bool | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
        **class_args: Any,
    ) -> Self:
        """Declare what is done with an event that fails here: in a step, or anywhere in a graph.

        Parameters
        ----------
        name, class_name, handler, function, full_event, input_path, result_path, **class_args
            The step that handles it, as in `to`. With ``full_event`` it gets the error as
            ``event.error`` and the step's name as ``event.origin_state``.
        before : str or list of str, optional
            The steps that go on with what it answers; if absent, that is the answer.

        Returns
        -------
        BaseStep
            This step, not the handler.

        Raises
        ------
        GraphError
            If it names neither a class nor a handler, or a graph's handler is to go on.
        """
        if not class_name and not handler:
            raise GraphError("an error handler needs a class_name or a handler", node=self.name)
        flow = self._flow()
        if self is flow and before:
            raise GraphError("a graph's error handler ends the graph; it can have no before=")
        step = ErrorStep(
            class_name, class_args, handler, name=name_for(name, class_name), function=function,
            full_event=full_event, input_path=input_path, result_path=result_path,
        )  # fmt: skip
        step.before = [before] if isinstance(before, str) else list(before or ())
        self.on_error = flow._put(step).name
        return self

    def _flow(self) -> Any:
        if self._parent is None:
            raise GraphError(f"the step {self.name!r} is not part of a graph yet")
        return self._parent

    def _changed(self) -> None:
        if self._parent is not None:
            self._parent._changed()


class TaskStep(BaseStep):
    """A declared step: a class or a function, and what it is made with (MLRun 1.12).

    Examples
    --------
    >>> TaskStep(handler="json.dumps", name="write").handler
    'json.dumps'
    """

    kind = "task"

    def __init__(
        self,
        class_name: Any = None,
        class_args: Mapping[str, Any] | None = None,
        handler: Any = None,
        name: str | None = None,
        after: Any = None,
        full_event: bool | None = None,
        function: str | None = None,
        responder: bool | None = None,
        input_path: str | None = None,
        result_path: str | None = None,
    ) -> None:
        super().__init__(name, after)
        self.class_name = class_name
        self.class_args = dict(class_args or {})
        self.handler = handler
        self.full_event = full_event
        self.function = function
        self.responder = bool(responder)
        self.input_path = input_path
        self.result_path = result_path
        #: Of a route: that of its model endpoint in a cluster.
        self.creation_strategy: Any = None

    def respond(self) -> Self:
        """Make this step's answer the graph's."""
        self.responder = True
        self._changed()
        return self


class ErrorStep(TaskStep):
    """A declared error handler."""

    kind = "error_step"
    before: list[str]


class QueueStep(BaseStep):
    """A declared queue, kept in memory here (MLRun 1.12).

    Attributes
    ----------
    items : list
        The bodies that came to a queue that no step follows, in order.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> queue = graph.to(name="plus", handler="(event + 1)").to("$queue", name="q", path="")
    >>> run = graph.run([1, 2])
    >>> graph["q"].items
    [2, 3]
    """

    kind = "queue"

    def __init__(
        self, name: str | None = None, path: str | None = None, after: Any = None, **options: Any
    ) -> None:
        super().__init__(name, after)
        self.path = path
        self.options = options
        self.function: str | None = None
        self.responder = False
        self.items: list[Any] = []

    def to(self, class_name: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Add the step that follows the queue: in a function of its own, as MLRun asks."""
        function = kwargs.get("function") or (args[3] if len(args) > 3 else None)
        if not function:
            raise GraphError(
                "a step that follows a queue needs function=, the function that reads the queue",
                node=self.name,
            )
        return super().to(class_name, *args, **kwargs)

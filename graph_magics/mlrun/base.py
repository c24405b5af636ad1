"""`ServedNode`: what all nodes that MLRun's declarations become have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..batch import Batch
from ..errors import GraphError, one_line
from ..nodes import Node
from .declaring import TaskStep
from .events import GraphContext
from .lookup import Namespace, function_of

#: What a class is made with besides its own arguments, if it takes them (MLRun 1.12).
_COMMON = ("name", "context", "input_path", "result_path", "full_event")


class Sent(Batch):
    """Answers that go on to some of the next steps only.

    Parameters
    ----------
    batch : Batch
    outlets : sequence of (sequence of str or None)
        For each event the names of the steps it goes to, in this order; None for all.
    """

    __slots__ = ("outlets",)

    def __init__(self, batch: Batch, outlets: Sequence[Sequence[str] | None]) -> None:
        super().__init__(
            batch.bodies, batch.positions, batch.failures, None, batch.status, batch.elapsed,
            batch.heads,
        )  # fmt: skip
        self.outlets = outlets


class Spread(Batch):
    """Answers of steps that answer an event with several, or with none.

    Parameters
    ----------
    batch : Batch
        What is kept for the record.
    rounds : sequence of Batch
        What goes on: the first that came of each event, then the second, and so on.
    """

    __slots__ = ("rounds",)

    def __init__(self, batch: Batch, rounds: Sequence[Batch]) -> None:
        super().__init__(
            batch.bodies, batch.positions, batch.failures, None, batch.status, batch.elapsed,
            batch.heads,
        )  # fmt: skip
        self.rounds = rounds


class ServedNode(Node):
    """A node made of a declaration; its object is made when the graph is first run.

    Parameters
    ----------
    step : TaskStep
    made_of : type, object or None
        The class that ``class_name`` says, or an object; None for a handler.
    """

    kind = "Step"
    goes_by_event = True
    #: Whether several may come of one event; see `Spread`.
    spreads: bool = False
    #: Whether the sync engine has such a step.
    needs_async: bool = False

    def __init__(self, step: TaskStep, made_of: Any) -> None:
        self.name = step.name
        self.step = step
        self.made_of = made_of
        self.object: Any = None
        #: Whether it is the last of a sync flow, where MLRun takes what is no event as a body.
        self.may_answer_bodies = False
        #: The steps of the flow that follow.
        self.outlets: Sequence[str] = ()
        self.server: GraphContext | None = None

    @property
    def is_sync(self) -> bool:
        """Whether it is a step of MLRun's sync engine, or a route, which are run as there."""
        return getattr(self.step.parent, "engine", "sync") == "sync"

    @property
    def is_stateful(self) -> bool:
        """Whether its events must come one by one and in order: it may remember them."""
        return self.step.handler is None or self.made_of is not None

    @property
    def title(self) -> str:
        """The class or the function that it is made of, and where it is to run."""
        made = self.step.class_name if self.made_of is None else self.made_of
        if made is None:
            made = self.step.handler
        told = made if isinstance(made, str) else getattr(made, "__name__", type(made).__name__)
        told = str(told).rpartition(".")[2] if not str(told).startswith("(") else str(told)
        return f"{told} @ {self.step.function}" if self.step.function else told

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object; what it raises is told with the step.

        Raises
        ------
        GraphError
            If it cannot be made.
        """
        self.server = server
        for name, child in self.children.items():
            if isinstance(child, ServedNode):
                try:
                    child.start(server, namespace, mode)
                except GraphError as error:
                    raise error.at(node=name).within(self.name or "") from error.__cause__
        if self.made_of is None:
            return
        self.object = self._made(server, namespace)
        post_init = getattr(self.object, "post_init", None)
        if callable(post_init):
            self._called("post_init", post_init, mode)

    def _made(self, server: GraphContext, namespace: Namespace, **more: Any) -> Any:
        """Make an instance of a class; an object is taken as it is, and told where it stands."""
        if not inspect.isclass(self.made_of):
            made = self.made_of
            for key, value in {"context": server, "name": self.step.name, **more}.items():
                if key != "name" or not getattr(made, "name", None):
                    setattr(made, key, value)
            return made
        given = {
            key[1:] if key.startswith("_") else key: function_of(value, namespace)
            if key.startswith("_")
            else value
            for key, value in self.step.class_args.items()
        }
        takes = _parameters(self.made_of)
        takes_all = any(p.kind is p.VAR_KEYWORD for p in takes.values())
        for key, value in {**self._common(server), **more}.items():
            if takes_all or key in takes:
                given[key] = value
        try:
            _bound(self.made_of, given)
        except TypeError as error:
            raise GraphError(
                f"the class {self.made_of.__name__} cannot be made: {error}; its arguments are "
                f"given in the declaration",
                node=self.name,
            ) from None
        return self._called("__init__", self.made_of, **given)

    def _common(self, server: GraphContext) -> Mapping[str, Any]:
        values = {key: getattr(self.step, key, None) for key in _COMMON if key != "context"}
        return {**values, "context": server, "graph_step": self.step}

    def _called(self, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except GraphError as error:
            raise error.at(node=self.name) from error.__cause__
        except Exception as error:
            raise GraphError(f"{what} failed: {one_line(error)}", node=self.name) from error


def _parameters(made_of: type) -> Mapping[str, inspect.Parameter]:
    """What a class is made with; nothing, where Python cannot tell."""
    try:
        return inspect.signature(made_of).parameters
    except (ValueError, TypeError):
        return {}


def _bound(made_of: type, given: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(made_of)
    except ValueError:  # Built in C without a signature: it is seen when it is made.
        return
    signature.bind(**given)

"""`Choice` and `ChoiceByField`: where an event goes on hangs on the event (MLRun 1.12)."""

from __future__ import annotations

from typing import Any, ClassVar

from ...batch import Batch
from ...context import Context
from ..calling import own_bodies
from ..errors import (
    MLRunInvalidArgumentError,
    MLRunInvalidArgumentTypeError,
    MLRunRuntimeError,
)
from ..events import events_of
from .classes import Flow
from .elements import StoreyNode
from .outlets import selected


class Choice(Flow):
    """Sends each event to some of the steps that follow (MLRun 1.12).

    A subclass writes ``select_outlets``, which gives the names of these steps: none for an
    event that goes nowhere.

    Examples
    --------
    >>> from graph_magics import Graph, mlrun
    >>> class Sign(mlrun.Choice):
    ...     def select_outlets(self, event):
    ...         return ["plus"] if event > 0 else ["minus"]
    >>> graph = Graph("g")
    >>> choice = graph.to("Sign", name="sign")
    >>> step = choice.to(name="plus", handler="('+', event)")
    >>> step = choice.to(name="minus", handler="('-', -event)")
    >>> end = graph.add_step(name="end", handler="(event)", after=["plus", "minus"]).respond()
    >>> graph.test(body=-5)
    ('-', 5)
    """

    run_by: ClassVar[str] = "storey.choosing.ChoiceNode"

    async def _do(self, event: Any) -> None:
        names = self.select_outlets(event if self._full_event else event.body)
        await self._do_downstream(event, outlets=names, select_outlets=False)

    def select_outlets(self, event: Any) -> Any:
        """Give the names of the steps that the event goes to: this is what a subclass writes."""
        raise NotImplementedError(f"the class {type(self).__name__} has no select_outlets")


class ChoiceByField(Choice):
    """Sends each event to the step, or the steps, that one of its fields names (MLRun 1.12).

    Parameters
    ----------
    field_name : str
        Its value is the name of a step, or a list of such.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> graph = Graph("g")
    >>> choice = graph.to("mlrun.serving.steps.ChoiceByField", name="choice", field_name="go")
    >>> step = choice.to(name="a", handler="('A')")
    >>> step = choice.to(name="b", handler="('B')")
    >>> end = graph.add_step(name="end", handler="(event)", after=["a", "b"]).respond()
    >>> graph.test(body={"go": "b"})
    'B'
    """

    def __init__(self, field_name: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.field_name = field_name

    def select_outlets(self, event: Any) -> Any:
        """Give the steps that the field names."""
        field = self.field_name
        body = event.body if self._full_event else event
        if field not in body:
            there = list(body) if isinstance(body, dict) else body
            raise MLRunRuntimeError(f"the event has no field {field!r}; it has {there!r:.200}")
        names = body[field]
        if names is None:
            raise MLRunInvalidArgumentError(f"the field {field!r} is None; name a step, or several")
        if isinstance(names, str):
            return [names]
        if not isinstance(names, (list, tuple)):
            raise MLRunInvalidArgumentTypeError(
                f"the field {field!r} must be a text or a list of texts, "
                f"it is of type {type(names).__name__}"
            )
        if not names:
            raise MLRunRuntimeError(f"the field {field!r} is empty; name a step, or several")
        return names


class ChoiceNode(StoreyNode):
    """Asks a `Choice` for each event."""

    kind = "Choice"

    def _answered(self, batch: Batch, context: Context) -> Batch:
        bodies = own_bodies(batch)
        given = events_of(batch, bodies, context) if self.full_event else bodies
        return selected(
            batch.bare().answer(bodies),
            given,
            self.object.select_outlets,
            context,
            self.outlets,
            none_is_all=False,
        )

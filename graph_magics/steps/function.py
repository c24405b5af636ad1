"""`Step`: a function of the user's, over one event or over a whole table of them."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pandas as pd

from ..batch import Batch
from ..bodies import Bodies, Mixed, Samples, has_objects, many_objects, plain
from ..columns import over_columns
from ..context import Context
from ..copying import copies, unshared
from ..errors import GraphError, a, counted, listed, near
from ..failures import Failure
from ..joining import columns_of
from ..limits import CONCURRENCY, count, seconds
from ..naming import natural_name
from ..nodes import MissingColumns, Node, accepts
from ..wire import statuses_of

#: For how many events Python's garbage collector is held.
_AT_ONCE = 10_000


class Step(Node):
    """A function that answers events.

    Parameters
    ----------
    f : callable
        Takes one event and gives its answer: a row of a table comes as a dict of column to
        scalar, a JSON body as it is (a copy, so it may be changed). ``async`` functions are
        run for many events at once. Over a whole table, where the first parameter is annotated
        as ``pd.DataFrame`` or ``np.ndarray``, or ``batch=True`` is given: one call for all
        events of the batch, whose answer has one row or item for each event, in order.
    batch : bool
        Whether the function takes a whole DataFrame.
    loop : {"own", "kernel"}
        Which event loop awaits an ``async`` function: one of this package's, on a thread of its
        own, or the notebook's, for functions that use what an earlier cell has made with
        ``await``, such as a client. Where no loop runs, as in a script, there is only our own.
    concurrency : int, optional
        How many events of a batch an ``async`` function has under way at once; 32 if absent.
    timeout : float, optional
        Seconds that an ``async`` function has for an event, which fails otherwise; no limit if
        absent.
    name : str, optional
        The step's name; otherwise the variable's it is assigned to, or the function's.

    Raises
    ------
    GraphError
        If ``f`` is not a function of one argument, or is not ``async`` and has options for those.

    See Also
    --------
    Model : a fitted estimator as a step.

    Examples
    --------
    >>> from graph_magics import Graph, Step
    >>> double = Step(lambda event: {"x": 2 * event["x"]})
    >>> Graph("twice", double).test({"x": 4})
    {'x': 8}
    """

    kind = "Step"

    def __init__(
        self,
        f: Callable[..., Any],
        *,
        batch: bool | None = None,
        loop: str = "own",
        concurrency: int | None = None,
        timeout: float | None = None,
        name: str | None = None,
    ) -> None:
        self.function = f
        self.name = name
        _check(f)
        self._takes = _annotated(f) if batch is None else ("frame" if batch else "event")
        self._is_async = _is_async(f)
        if loop not in ("own", "kernel"):
            raise GraphError(f"loop must be 'own' or 'kernel', got {loop!r}")
        self.loop = loop
        self.concurrency = CONCURRENCY if concurrency is None else count("concurrency", concurrency)
        self.timeout = seconds("timeout", timeout)
        if not self._is_async:
            given = {"loop": loop != "own", "concurrency": concurrency, "timeout": timeout}
            for option, is_given in given.items():
                if is_given:
                    raise GraphError(f"{option}= is for functions declared with `async def`")

    @property
    def stays(self) -> bool:  # type: ignore[override]
        """Whether it is on the notebook's loop, and so on the thread of that."""
        return self.loop == "kernel"

    @property
    def goes_by_event(self) -> bool:  # type: ignore[override]
        """Whether the function takes one event."""
        return not self.batch

    @property
    def batch(self) -> bool:
        """Whether the function takes a whole table, not one event."""
        return self._takes != "event"

    @property
    def title(self) -> str:
        """The function's name."""
        return natural_name(self.function)

    def natural_name(self) -> str:
        """The function's name; ``step`` for a lambda."""
        name = natural_name(self.function)
        return "step" if name == "lambda" else name

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event by the function."""
        if self._takes == "event":
            if isinstance(batch.bodies, Mixed):
                return batch.apart(lambda some: self._map(some, context))
            return self._map(batch, context)
        return over_columns(batch, context, lambda some: self._whole(some, context))

    def _map(self, batch: Batch, context: Context) -> Batch:
        events = batch.events()
        if isinstance(batch.bodies, list) or has_objects(batch.bodies):
            events = copies(events)
        answers: list[Any] = []
        failures: dict[int, Failure] = {}
        if self._is_async:
            answers = self._awaited(self.function, events, failures, context)
        else:
            self._each(events, answers, failures, context)
            if answers and inspect.isawaitable(answers[0]):
                # Async without saying so, such as a lambda around an async function.
                answers = self._awaited(_awaited, answers, failures, context)
        answers, status = statuses_of(answers)
        return batch.fail(failures, batch.like(answers), status)

    def _each(
        self,
        events: list[Any],
        answers: list[Any],
        failures: dict[int, Failure],
        context: Context,
    ) -> None:
        function, append = self.function, answers.append
        for start in range(0, len(events), _AT_ONCE):
            rest = iter(events[start : start + _AT_ONCE])
            # For so many only: what the function leaves behind may be garbage.
            with many_objects(len(events)):
                while True:
                    try:
                        for event in rest:
                            append(function(event))
                    except Exception as error:
                        failures[len(answers) + len(failures)] = context.failure(error)
                    else:
                        break

    def _awaited(
        self,
        function: Callable[[Any], Awaitable[Any]],
        events: list[Any],
        failures: dict[int, Failure],
        context: Context,
    ) -> list[Any]:
        """Await the answers of all events that have not failed, and note who fails now."""
        size = len(events) + len(failures)
        rows = [row for row in range(size) if row not in failures]
        answers = []
        wait = context.setup.async_map
        results = wait(self._bounded(function), events, self.concurrency, self.loop)
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Exception):
                failures[row] = context.failure(result)
            else:
                answers.append(result)
        return answers

    def _bounded(
        self, function: Callable[[Any], Awaitable[Any]]
    ) -> Callable[[Any], Awaitable[Any]]:
        """The function, with its time limit."""
        if self.timeout is None:
            return function

        async def bounded(event: Any) -> Any:
            limit = asyncio.timeout(self.timeout)
            try:
                async with limit:
                    return await function(event)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise GraphError(f"no answer within {self.timeout:g} seconds") from None

        return bounded

    def _whole(self, batch: Batch, context: Context) -> Batch:
        answer = batch.attempt(
            lambda some: self._answer(some.bodies, context),
            context.failure,
            final=lambda error: isinstance(error, MissingColumns),
        )
        bodies = answer.bodies
        if isinstance(bodies, (pd.DataFrame, Samples)) or not (
            isinstance(bodies, (list, Mixed)) or has_objects(bodies)
        ):
            return answer
        given, status = statuses_of(answer.events())
        if status is None:
            return answer
        return answer.answer(batch.like(given), status)

    def _answer(self, bodies: Bodies, context: Context) -> Bodies:
        values = bodies.values if isinstance(bodies, Samples) else bodies
        if not len(values):
            return bodies  # Events with no samples at all.
        given = self._given(values)
        if self._is_async:
            (result,) = context.setup.async_map(self._bounded(self.function), [given], 1, self.loop)
            if isinstance(result, Exception):
                raise result
        else:
            result = self._called(given)
        answer = _as_rows(result, len(values), getattr(given, "index", None))
        if not isinstance(bodies, Samples):
            return answer
        if isinstance(result, (list, tuple)):
            # Each may be another thing: JSON again, as the events came.
            return bodies.holding(list(result), bodies.key, bodies.extra).tolist()
        return bodies.holding(answer, bodies.key, bodies.extra)

    def _called(self, given: Any) -> Any:
        try:
            return self.function(given)
        except (KeyError, AttributeError) as error:
            if not _lacks_column(error, given):
                raise
            told = getattr(error, "name", None) or (error.args[0] if error.args else "")
            lacking = MissingColumns(
                f"the function asks for a column that the events lack: {told!r}"
                f"{near(str(told), map(str, given.columns))}"
            )
            raise lacking.with_traceback(error.__traceback__) from error

    def _given(self, values: Any) -> Any:
        """A table that the function may change: the batch keeps its own."""
        if self._takes == "array" and isinstance(values, pd.DataFrame):
            values = values.to_numpy()
        values = unshared(values)
        if self._takes == "array" or not isinstance(values, pd.DataFrame):
            values = np.asarray(values)
        if isinstance(values, pd.DataFrame) and not values.index.is_unique:
            # By labels that repeat, nobody could tell how the function ordered its rows.
            values.index = pd.RangeIndex(len(values))
        if self._takes == "array" or isinstance(values, pd.DataFrame):
            return values
        return pd.DataFrame(values, dtype=values.dtype if values.dtype == object else None)


def _lacks_column(error: Exception, given: Any) -> bool:
    """Whether it was the very table given that was asked for a column it has not.

    Such an error is the same for all events, so that none has to be tried alone.
    """
    traceback = error.__traceback__
    while traceback is not None and isinstance(given, pd.DataFrame):
        frame = traceback.tb_frame
        asked = frame.f_code.co_name in ("__getitem__", "__getattr__")
        if asked and frame.f_locals.get("self") is given:
            return True
        traceback = traceback.tb_next
    return False


async def _awaited(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


def _as_rows(result: Any, size: int, index: pd.Index | None) -> Bodies:
    """What a function over a table gave, as one row or item for each event."""
    if isinstance(result, (pd.DataFrame, pd.Series)):
        if len(result) == size:
            result = _in_order(result, index)
            return _checked(result) if isinstance(result, pd.DataFrame) else plain(result)
    elif isinstance(result, (np.ndarray, pd.api.extensions.ExtensionArray)):
        if result.ndim and len(result) == size:
            return result
    elif isinstance(result, (list, tuple)):
        if len(result) == size:
            return columns_of(list(result))
    else:
        raise GraphError(
            f"the function answered {type(result).__name__} for {counted(size, 'event')}; "
            "over a table it must give a DataFrame, a Series, an array or a list, a row for each"
        )
    rows = len(result) if getattr(result, "ndim", 1) else 0
    raise GraphError(
        f"the function answered {counted(rows, 'row')} for {counted(size, 'event')}; "
        "give one for each"
    )


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].unique()
        raise GraphError(f"the function answered several columns called {listed(twice)}")
    return frame


def _in_order(result: Any, index: pd.Index | None) -> Any:
    """Undo a reordering of the rows, which the index tells."""
    if index is None or result.index is index or result.index.equals(index):
        return result
    fresh = pd.RangeIndex(len(result))
    if isinstance(result.index, pd.RangeIndex) and result.index.equals(fresh):
        return result  # Made anew: its labels say nothing, even if the events' are such numbers.
    if index.is_unique and result.index.is_unique and result.index.isin(index).all():
        return result.loc[index]
    raise GraphError(
        "the function answered a table with other index labels than it was given; "
        "keep the index, or reset it"
    )


def _check(f: Any) -> None:
    if inspect.isclass(f):
        raise GraphError(f"the class {f.__name__} is not a function; make an instance of it")
    if not callable(f):
        wanted = "hand a model to Model(...)" if hasattr(f, "predict") else "give a function"
        raise GraphError(f"{a(f)} cannot be called with an event; {wanted}")
    try:
        signature = inspect.signature(f)
    except (ValueError, TypeError):
        return  # Built in C without a signature: it is seen when it is called.
    try:
        signature.bind(None)
    except TypeError:
        raise GraphError(
            f"the function {natural_name(f)}{signature} must take one argument, the event; "
            "bind the others with functools.partial"
        ) from None


def _is_async(f: Any) -> bool:
    while isinstance(f, functools.partial):
        f = f.func
    return inspect.iscoroutinefunction(f) or inspect.iscoroutinefunction(
        getattr(f, "__call__", None)  # noqa: B004 - a callable object with an async __call__
    )


def _annotated(f: Any) -> str:
    """Whether the first parameter is annotated as a table."""
    try:
        parameter = next(iter(inspect.signature(f).parameters.values()))
    except (ValueError, TypeError, StopIteration):
        return "event"
    annotation = parameter.annotation
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    last = text.partition("[")[0].rpartition(".")[2]
    return {"DataFrame": "frame", "ndarray": "array", "NDArray": "array"}.get(last, "event")


@accepts(
    lambda thing: callable(thing) and not inspect.isclass(thing) and not hasattr(thing, "predict")
)
def _step(thing: Any) -> Node:
    return Step(thing)

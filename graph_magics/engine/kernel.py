"""The notebook's own event loop, for steps that use what was made on it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

from ..errors import GraphError

#: What asyncio says, and libraries on it, of an object that another loop has.
_OTHER_LOOP = re.compile(
    r"different (event )?loop|wasn.t used with future"
    r"|should be used inside a task|Event loop is closed",
    re.IGNORECASE,
)

#: How many seconds steps may take to take notice of an interrupt.
PATIENCE = 0.2


def waited_for(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Await a coroutine on the loop that runs in this thread, in the midst of what it does.

    Raises
    ------
    GraphError
        If the loop cannot be entered twice, as uvloop's.
    """
    import nest_asyncio  # type: ignore[import-untyped]

    try:
        nest_asyncio.apply(loop)
    except ValueError:
        coroutine.close()
        raise GraphError(
            f"loop='kernel' needs asyncio's own event loop; this is {type(loop).__module__}'s"
        ) from None
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except BaseException:
        task.cancel()
        # Let it take notice, while this cell is still the one that runs.
        loop.run_until_complete(asyncio.wait({task}, timeout=PATIENCE))
        raise


def told(error: BaseException) -> BaseException:
    """What a step raised, with advice where that is due to the loop that it ran on."""
    if not isinstance(error, RuntimeError) or not _OTHER_LOOP.search(str(error)):
        return error
    advice = GraphError(
        "it uses what belongs to another event loop; make that inside the step, or, if it is the "
        'notebook\'s, declare Step(f, loop="kernel")'
    )
    advice.__cause__ = error
    return advice.with_traceback(error.__traceback__)

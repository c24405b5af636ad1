"""What goes to other processes, and what comes back from there, as bytes."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..context import Visit
from ..errors import GraphError, one_line
from ..nodes import Node


def dumps(thing: Any) -> bytes:
    """Pickle something, the functions and classes of a notebook included."""
    import cloudpickle

    return cloudpickle.dumps(thing)


def loads(packed: bytes) -> Any:
    """What `dumps` has packed."""
    return pickle.loads(packed)


def unsendable(nodes: Mapping[str, Node], error: Exception) -> GraphError:
    """Which of some nodes it is that cannot be pickled."""
    leaves = (path for path, node in nodes.items() if not node.children)
    path = next((path for path in leaves if not _is_sendable(nodes[path])), None)
    return GraphError(
        f"it cannot be sent to another process: {one_line(error)}; let the step open what belongs "
        "to this process (a connection, a lock, a file) when it is called",
        node=path,
    )


def _is_sendable(thing: Any) -> bool:
    try:
        loads(dumps(thing))
    except Exception:
        return False
    return True


def returned(answer: Any, known: Sequence[Any]) -> bytes:
    """Pack what a process answers, but not what it was sent and the other side has.

    Parameters
    ----------
    answer : object
    known : sequence
        What was sent: in the same order on both sides.
    """
    import cloudpickle

    places = {id(thing): place for place, thing in enumerate(known)}

    class Packer(cloudpickle.Pickler):  # type: ignore[misc]
        def persistent_id(self, thing: Any) -> int | None:
            return places.get(id(thing))

        def reducer_override(self, thing: Any) -> Any:
            if isinstance(thing, BaseException) and not _is_sendable(thing):
                return _stand_in, (type(thing).__name__, str(thing))
            if isinstance(thing, MappingProxyType):
                return MappingProxyType, (dict(thing),)
            return super().reducer_override(thing)

    buffer = io.BytesIO()
    Packer(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(answer)
    return buffer.getvalue()


def unreturnable(path: str, visits: Sequence[Visit], error: Exception) -> GraphError:
    """Which node it is whose answer cannot be pickled: the one of a path, or one inside it."""
    paths = (visit.path for visit in reversed(visits))
    held = {visit.path: visit.answered.bodies for visit in visits}
    return GraphError(
        f"what it answers cannot be sent back from another process: {one_line(error)}; let it "
        "answer plain values, or run it without processes",
        node=next((path for path in paths if not _is_sendable(held[path])), path) or None,
    )


def received(packed: bytes, known: Sequence[Any]) -> Any:
    """What `returned` has packed, with the same known things in it."""

    class Opener(pickle.Unpickler):
        def persistent_load(self, place: Any) -> Any:
            return known[place]

    return Opener(io.BytesIO(packed)).load()


def _stand_in(name: str, text: str) -> Exception:
    """An exception of that name, for one that cannot be sent."""
    return type(name, (Exception,), {})(text)

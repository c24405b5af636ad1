"""Nodes in other processes of this machine: sent there once, asked batch by batch."""

from __future__ import annotations

import atexit
import hashlib
import os
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from ..batch import Batch
from ..context import Context, Setup, Visit
from ..cores import cores, shared
from ..errors import GraphError
from ..nodes import Node, stateful_in, walk
from .aio import async_map
from .ending import heeding
from .parcels import dumps, loads, received, returned, unreturnable, unsendable
from .threads import at_once

#: So many nodes a process holds at most.
HELD = 8
#: How many seconds a process waits for more to do.
IDLE = 300

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Job:
    """What a process is asked: a batch for a node, and where in the graph and the run that is."""

    batch: Batch
    path: str
    trail: str
    depth: int
    request: Any
    seed: int
    first: int
    event_id: str | None
    headers: Sequence[tuple[str, str]]


class Packed:
    """A node in a file, from which each process reads it once; the file goes with this object."""

    def __init__(self, node: Any) -> None:
        nodes = {"": node, **dict(walk(node))} if isinstance(node, Node) else {}
        try:
            packed = dumps(node)
        except Exception as error:
            raise unsendable(nodes, error) from error
        # What remembers events begins each run as it is here.
        salt = uuid4().hex if stateful_in(nodes) else ""
        self.token = hashlib.sha256(packed).hexdigest() + salt
        handle, self.path = tempfile.mkstemp(prefix="graph-magics-")
        with open(handle, "wb") as file:
            file.write(packed)
        weakref.finalize(self, _remove, self.path)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.remove(path)


def elsewhere(node: Any, batch: Batch, here: Context) -> Batch:
    """Run a node on a batch in another process, and wait for what it answers.

    Parameters
    ----------
    node : Node
    batch : Batch
    here : Context
        Of the node; it gets the visits of those in it.

    Raises
    ------
    GraphError
        If the node cannot be sent there, or the process dies.
    """
    setup = here.setup
    with _lock:
        packed = setup.memory.get(("packed", id(node)))
        if packed is None:
            packed = setup.memory["packed", id(node)] = Packed(node)
    job = Job(
        batch, here.path, here.trail, here.depth, here.request, setup.seed, setup.first,
        setup.event_id, setup.headers,
    )  # fmt: skip
    future = _workers.submit(_answered, packed.path, packed.token, job)
    heeding(future)
    try:
        answer, visits = received(future.result(), [batch.bodies])
    except BrokenExecutor as error:
        raise GraphError(
            "a process of the run died, perhaps for want of memory; run smaller chunks "
            "(chunk_size=...), or without processes",
            node=here.path or None,
        ) from error
    here.visits.extend(visits)
    return answer


class _Workers:
    """The processes: begun when they are first needed, ended when they have nothing to do."""

    def __init__(self) -> None:
        self._pool: Any = None

    def submit(self, *call: Any) -> _Awaited:
        with _lock:
            for _ in range(2):
                if self._pool is None:
                    from loky import ProcessPoolExecutor

                    self._pool = ProcessPoolExecutor(max_workers=cores(), timeout=IDLE)
                    atexit.register(self._kill, self._pool)
                pool = self._pool
                try:
                    return _Awaited(pool.submit(*call), partial(self._kill, pool))
                except (BrokenExecutor, RuntimeError):  # Of a run before, which ended them.
                    self._pool = None
        raise GraphError("the processes of the run cannot be begun; run without them")

    def _kill(self, pool: Any) -> None:
        with _lock:
            if self._pool is pool:
                self._pool = None
        atexit.unregister(self._kill)
        pool.shutdown(wait=False, kill_workers=True)


class _Awaited:
    """What a process is to answer; if nobody waits for it any more, the processes are ended."""

    def __init__(self, future: Any, kill: Callable[[], None]) -> None:
        self.result = future.result
        self._future = future
        self._kill = kill

    def cancel(self) -> None:
        if not (self._future.done() or self._future.cancel()):
            self._kill()


_workers = _Workers()


# In the other process.

_held: OrderedDict[str, Any] = OrderedDict()


def _answered(path: str, token: str, job: Job) -> bytes:
    """Run the node that a file holds on a batch."""
    node = _held.get(token)
    if node is None:
        with open(path, "rb") as file:
            node = _held[token] = loads(file.read())
        while len(_held) > HELD:
            _held.popitem(last=False)
    _held.move_to_end(token)
    setup = Setup(job.seed, async_map, at_once, None, job.event_id, False, job.headers)
    setup.first = job.first
    visits: list[Visit] = []
    here = Context(job.path, setup, visits, job.trail, job.depth, job.request)
    with shared(cores()):
        answer = node.run(job.batch, here)
    for visit in visits:
        visit.received.forget()
    answer.forget()
    try:
        return returned((answer, visits), [job.batch.bodies])
    except Exception as error:
        raise unreturnable(job.path, visits, error) from None

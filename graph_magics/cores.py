"""The cores that this process may use, and how threads of ours share them with models'."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache, partial, wraps
from typing import Any

_is_shared: ContextVar[bool] = ContextVar("cores are shared", default=False)


def cores() -> int:
    """How many there are: of those of the machine, what the system lets this process use.

    >>> cores() >= 1
    True
    """
    import joblib  # Which knows of affinities and of containers' bounds.

    return joblib.cpu_count()


def are_shared() -> bool:
    """Whether this thread shares the cores with others of ours, and so is to begin no more."""
    return _is_shared.get()


@contextmanager
def shared(number: int) -> Iterator[None]:
    """Let models on this thread take their share of the cores only, of so many threads of ours.

    That is of threads of OpenMP's, which each of our threads has its own of. Linear algebra
    has one set of threads for all who ask for it, and needs no bound here.
    """
    share = max(1, cores() // number)
    token = _is_shared.set(True)
    try:
        with _controller().limit(limits=share, user_api="openmp"):
            yield
    finally:
        _is_shared.reset(token)


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # To find the libraries takes its time.


def sharing(call: Callable[..., Any], number: int) -> Callable[..., Any]:
    """A function for one of several threads, each with its share of the cores.

    There scikit-learn is as it was told to be on this thread.

    Parameters
    ----------
    call : callable
    number : int
        How many threads there are.
    """
    configured: Callable[[], AbstractContextManager[Any]] = nullcontext
    if "sklearn" in sys.modules:
        from sklearn import config_context, get_config

        configured = partial(config_context, **get_config())
    _controller()  # Not to be waited for by several threads.

    @wraps(call)
    def called(*arguments: Any) -> Any:
        with configured(), shared(number):
            return call(*arguments)

    return called

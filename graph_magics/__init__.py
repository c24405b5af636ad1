"""Design model-serving graphs in a notebook: declare, draw, run and compare them."""

from typing import TYPE_CHECKING, Any

from .errors import EventError, GraphError
from .graph import Graph
from .routers import (
    Ensemble,
    ParallelRun,
    Route,
    Sequence,
    Splitter,
    Switch,
    VotingEnsemble,
)
from .run import Run, RunInterrupted
from .steps import Model, Remote, Step
from .wire import Response

if TYPE_CHECKING:
    from .widgets import WeightsPanel

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what few need where it is asked for: widgets take their time."""
    if name == "WeightsPanel":
        from .widgets import WeightsPanel

        return WeightsPanel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(ipython: Any) -> None:
    """Do what ``%load_ext graph_magics`` asks for."""
    from .magics import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Do what ``%unload_ext graph_magics`` asks for."""
    from .magics import unload

    unload(ipython)


__all__ = [
    "Ensemble",
    "EventError",
    "Graph",
    "GraphError",
    "Model",
    "ParallelRun",
    "Remote",
    "Response",
    "Route",
    "Run",
    "RunInterrupted",
    "Sequence",
    "Splitter",
    "Step",
    "Switch",
    "VotingEnsemble",
    "WeightsPanel",
]

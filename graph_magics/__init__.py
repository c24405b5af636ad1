"""Design model-serving graphs in a notebook: declare, draw, run and compare them."""

from typing import Any

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

__version__ = "0.1.0"


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
]

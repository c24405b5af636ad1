"""storey's steps, as MLRun's users subclass and pass them.

Examples
--------
>>> from graph_magics.mlrun import storey
>>> class Doubles(storey.MapClass):
...     def do(self, event):
...         return 2 * event
>>> from graph_magics import Graph
>>> graph = Graph("g")
>>> last = graph.to("Doubles", name="double").respond()
>>> graph.test(body=4)
8
"""

from . import dtypes
from .choosing import Choice
from .classes import DropColumns, Flow, MapClass, ReifyMetadata, Rename
from .gathering import Batch, EmitPeriod, Partition, Reduce, SampleWindow
from .mapping import (
    Complete,
    ConcurrentExecution,
    Extend,
    Filter,
    FlatMap,
    Flatten,
    ForEach,
    Map,
    MapWithState,
)

__all__ = [
    "Batch",
    "Choice",
    "Complete",
    "ConcurrentExecution",
    "DropColumns",
    "EmitPeriod",
    "Extend",
    "Filter",
    "FlatMap",
    "Flatten",
    "Flow",
    "ForEach",
    "Map",
    "MapClass",
    "MapWithState",
    "Partition",
    "Reduce",
    "ReifyMetadata",
    "Rename",
    "SampleWindow",
    "dtypes",
]

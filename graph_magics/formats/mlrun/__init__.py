"""Graphs as MLRun: the way out, as Python that declares the same there."""

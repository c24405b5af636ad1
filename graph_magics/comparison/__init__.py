"""Comparison: what answers are worth, how sure that is, and where models differ."""

from .comparing import compare
from .result import Comparison

__all__ = ["Comparison", "compare"]

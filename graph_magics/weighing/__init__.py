"""What weights are worth against a target: a Splitter's over all draws, a vote's best ones."""

from .best import BestWeights, best_weights
from .expecting import expected

__all__ = ["BestWeights", "best_weights", "expected"]

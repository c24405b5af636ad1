"""Random draws that are a pure function of seed, node and event: no shared stream."""

from __future__ import annotations

import hashlib

import numpy as np


def uniform(seed: int, path: str, positions: np.ndarray) -> np.ndarray:
    """Draw a number in [0, 1) for each event.

    The counter-based generator SplitMix64 (Steele, Lea and Flood, 2014), keyed by seed and
    path, at the counters ``positions``: so neither the other events of a batch nor their order
    change an event's draw.

    Parameters
    ----------
    seed : int
    path : str
        The dotted path of the node that draws.
    positions : ndarray of int64, shape (n_events,)

    Returns
    -------
    ndarray of float64, shape (n_events,)

    Examples
    --------
    >>> uniform(7, "split", np.array([0, 1])).round(3).tolist()
    [0.683, 0.986]
    >>> uniform(7, "split", np.array([1])).round(3).tolist()
    [0.986]
    """
    digest = hashlib.blake2b(f"{seed}\x00{path}".encode(), digest_size=8).digest()
    # In place: at a million events the passes over memory are what this costs.
    z = positions.astype(np.uint64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(int.from_bytes(digest, "little"))
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    z >>= np.uint64(11)
    return z * 2.0**-53

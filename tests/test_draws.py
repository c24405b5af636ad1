"""Draws: uniform, and a function of seed, path and position alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from graph_magics.draws import uniform

SEEDS = st.integers(-(2**70), 2**70)
PATHS = st.text(max_size=8)
POSITIONS = st.lists(st.integers(0, 2**62), max_size=20)


def draw(seed: int, path: str, positions: list[int]) -> list[float]:
    return uniform(seed, path, np.array(positions, dtype=np.int64)).tolist()


@given(SEEDS, PATHS, POSITIONS)
def test_a_draw_is_at_least_0_and_below_1(seed, path, positions):
    assert all(0 <= number < 1 for number in draw(seed, path, positions))


@given(SEEDS, PATHS, POSITIONS)
def test_a_draw_hangs_on_no_other_event_of_the_batch(seed, path, positions):
    assert draw(seed, path, positions) == [draw(seed, path, [p])[0] for p in positions]
    assert draw(seed, path, positions[::-1]) == draw(seed, path, positions)[::-1]


def test_drawing_leaves_the_positions_as_they_are():
    positions = np.arange(5)
    uniform(0, "split", positions)
    assert positions.tolist() == [0, 1, 2, 3, 4]


@given(SEEDS, PATHS, POSITIONS)
def test_draws_are_those_of_splitmix64_in_plain_python(seed, path, positions):
    digest = hashlib.blake2b(f"{seed}\0{path}".encode(), digest_size=8).digest()
    expected = []
    for position in positions:
        z = (int.from_bytes(digest, "little") + position * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        expected.append(((z ^ (z >> 31)) >> 11) / 2**53)
    assert draw(seed, path, positions) == expected


@pytest.mark.parametrize("seed", range(5))
def test_draws_are_spread_evenly(seed):
    counts, _ = np.histogram(uniform(seed, "split", np.arange(100_000)), bins=64, range=(0, 1))
    assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


@pytest.mark.parametrize("lag", [1, 2, 3, 64])
def test_neighbours_have_nothing_in_common(lag):
    numbers = uniform(3, "split", np.arange(100_000))
    assert abs(np.corrcoef(numbers[lag:], numbers[:-lag])[0, 1]) < 0.01


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "a"), (0, "b")),
        ((0, "a"), (1, "a")),
        ((0, "a"), (-0, "a.b")),
        ((0, "vote.a"), (0, "a.vote")),
        ((1, "1a"), (11, "a")),
        ((5, "a"), (-5, "a")),
        ((2**64, "a"), (0, "a")),
    ],
    ids=str,
)
def test_another_path_or_seed_draws_otherwise(one, other):
    first, second = (uniform(*key, np.arange(20_000)) for key in (one, other))
    assert (first != second).mean() > 0.999
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03

"""`Batch`: events selected, answered and merged, none lost and none out of order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.batch import Batch, Failure, united
from graph_magics.bodies import objects

MASKS = st.lists(st.booleans(), min_size=1, max_size=12).map(np.array)


def batch_of(size: int, first: int = 100) -> Batch:
    """Events whose bodies tell their positions, which are not their rows."""
    positions = np.arange(first, first + 2 * size, 2)
    return Batch(positions.tolist(), positions)


def failed(word: str = "no") -> Failure:
    return Failure("node", ValueError(word))


def told(batch: Batch) -> dict[int, Any]:
    """Every event's body, or the word it failed with."""
    bodies = dict(zip(batch.positions.tolist(), objects(batch.bodies), strict=True))
    return bodies | {position: str(f.error) for position, f in batch.failures.items()}


# --- selecting and merging ------------------------------------------------------------------


@given(MASKS)
def test_two_selections_merge_to_what_they_were_taken_from(mask):
    batch = batch_of(len(mask))
    parts = [(rows, batch.select(rows)) for rows in (np.flatnonzero(mask), np.flatnonzero(~mask))]
    merged = batch.merge(parts)
    assert merged.positions.tolist() == batch.positions.tolist()
    assert merged.bodies == batch.bodies


@given(MASKS, st.data())
def test_a_selection_of_a_selection_is_a_selection(mask, data):
    batch = batch_of(len(mask))
    rows = np.flatnonzero(mask)
    inner = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=len(rows))))[: len(rows)]
    inner = inner[inner < len(rows)]
    twice = batch.select(rows).select(inner)
    assert twice.bodies == batch.select(rows[inner]).bodies
    assert twice.positions.tolist() == twice.bodies


@given(MASKS, MASKS)
def test_merging_drops_who_is_in_no_answer_and_keeps_the_order(mask, dropped):
    batch = batch_of(len(mask))
    parts = []
    for rows in (np.flatnonzero(mask), np.flatnonzero(~mask)):
        kept = np.flatnonzero(~np.resize(dropped, len(rows)))
        parts.append((rows, batch.select(rows).select(kept)))
    merged = batch.merge(parts)
    expected = sorted(p for _, part in parts for p in part.positions.tolist())
    assert merged.positions.tolist() == expected
    assert merged.bodies == expected


def test_a_selection_leaves_failures_behind_and_merging_brings_them_all():
    batch = Batch(["a", "b"], np.array([1, 2]), {0: failed("before")})
    chosen = batch.select(np.array([0]))
    assert not chosen.failures
    other = batch.select(np.array([1])).fail({0: failed("here")}, [])
    merged = batch.merge([(np.array([0]), chosen), (np.array([1]), other)], {7: failed("given")})
    assert told(merged) == {1: "a", 0: "before", 2: "here", 7: "given"}


def test_an_event_that_failed_twice_tells_what_came_first():
    first, second = {1: failed("first")}, {1: failed("second"), 2: failed("other")}
    assert {p: str(f.error) for p, f in united([first, {}, second]).items()} == {
        1: "first",
        2: "other",
    }
    assert united([]) == {}


def test_a_selection_gives_its_rows_back_and_takes_them_again():
    frame = pd.DataFrame({"a": [1, 2, 3]})
    chosen = Batch(frame, np.arange(3)).select(np.array([0, 2]))
    assert chosen.bodies["a"].tolist() == [1, 3]
    chosen.memory["made"] = "of it"
    chosen.forget()
    assert chosen.memory == {}
    assert chosen.source[0] is frame
    assert chosen.bodies["a"].tolist() == [1, 3]


# --- answers of several routes --------------------------------------------------------------


@given(MASKS, MASKS)
def test_only_events_that_all_routes_answered_stay_together(one, other):
    size = min(len(one), len(other))
    batch = batch_of(size)

    def route(mask: np.ndarray, word: str) -> Batch:
        lost = {row: failed(word) for row in np.flatnonzero(~mask[:size]).tolist()}
        bodies = [f"{word}{p}" for p in batch.positions[mask[:size]].tolist()]
        return batch.answer(batch.bodies).fail(lost, bodies)

    here, answers = batch.together([route(one, "one"), route(other, "other")])
    expected = batch.positions[one[:size] & other[:size]].tolist()
    assert here.positions.tolist() == here.bodies == expected
    assert [a.bodies for a in answers] == [
        [f"{word}{p}" for p in expected] for word in ("one", "other")
    ]
    assert set(here.failures) == set(batch.positions.tolist()) - set(expected)


# --- trying ---------------------------------------------------------------------------------


class Picky:
    """Answers whole selections without a guilty event among them, and counts its calls."""

    def __init__(self, guilty: set[int]) -> None:
        self.guilty, self.calls = guilty, 0

    def __call__(self, batch: Batch) -> list[str]:
        self.calls += 1
        found = sorted(self.guilty & set(batch.bodies))
        if found:
            raise ValueError(str(found[0]))
        return [f"answer {body}" for body in batch.bodies]


def attempt(batch: Batch, answer: Any, **options: Any) -> Batch:
    return batch.attempt(answer, lambda error: Failure("node", error), **options)


@given(MASKS)
def test_only_the_guilty_fail_and_each_for_its_own_reason(mask):
    batch = batch_of(len(mask))
    guilty = set(batch.positions[mask].tolist())
    assert told(attempt(batch, Picky(guilty))) == {
        p: str(p) if p in guilty else f"answer {p}" for p in batch.positions.tolist()
    }


@given(MASKS, MASKS)
def test_a_guess_at_the_guilty_changes_no_answer(mask, guess):
    batch = batch_of(len(mask))
    guilty = set(batch.positions[mask].tolist())
    guessed = attempt(
        batch, Picky(guilty), suspects=lambda some: np.resize(guess, len(some.positions))
    )
    assert told(guessed) == told(attempt(batch, Picky(guilty)))


def test_one_guilty_among_many_is_found_in_few_tries():
    batch = batch_of(1024)
    picky = Picky({batch.bodies[700]})
    assert len(attempt(batch, picky).failures) == 1
    assert picky.calls <= 2 * 10 + 1


def test_a_good_guess_spares_the_search():
    batch = batch_of(1024)
    guilty = set(batch.bodies[10:500:50])
    picky = Picky(guilty)
    mask = np.isin(batch.positions, list(guilty))
    assert len(attempt(batch, picky, suspects=lambda some: mask).failures) == 10
    assert picky.calls <= 2 * 10 + 2


def test_what_is_the_same_for_every_event_is_not_tried_again():
    batch = batch_of(64)
    picky = Picky(set(batch.bodies))
    answer = attempt(batch, picky, final=lambda error: True)
    assert picky.calls == 1
    assert len(answer.failures) == 64
    assert len(answer) == 0


@pytest.mark.parametrize("bodies", [[], np.empty(0), pd.DataFrame({"a": []})], ids=type)
def test_trying_no_event_comes_to_an_end(bodies):
    def refuse(batch: Batch) -> Any:
        raise ValueError("nothing to see")

    answer = attempt(Batch(bodies, np.empty(0, dtype=np.int64)), refuse)
    assert len(answer) == 0
    assert not answer.failures


def test_an_interrupt_is_no_failure_of_an_event():
    def interrupted(batch: Batch) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(batch_of(4), interrupted)

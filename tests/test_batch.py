"""`Batch`: events selected, answered and merged, none lost and none out of order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics.batch import Batch
from graph_magics.bodies import Mixed, objects
from graph_magics.failures import Failure, Refusal, united
from graph_magics.wire import Raw

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


# --- statuses, and how long was waited -------------------------------------------------------

STATUSES = st.lists(st.sampled_from([0, 199, 200, 204, 299, 300, 404, 503, 600]), max_size=8)


def answered(statuses: list[int]) -> Batch:
    batch = batch_of(len(statuses))
    return batch.answer(batch.bodies, np.array(statuses, dtype=np.int16))


@given(STATUSES)
def test_statuses_from_200_to_299_are_successes(statuses):
    assert answered(statuses).is_success.tolist() == [200 <= code < 300 for code in statuses]
    assert batch_of(3).is_success.tolist() == [True] * 3


@given(STATUSES)
def test_settling_fails_whoever_has_no_success_and_loses_nobody(statuses):
    batch = answered(statuses)
    settled = batch.settled("node")
    assert settled.status is None
    good = batch.is_success
    assert settled.positions.tolist() == settled.bodies == batch.positions[good].tolist()
    failures = [settled.failures[position] for position in batch.positions[~good].tolist()]
    bad = [code for code in statuses if not 200 <= code < 300]
    assert [failure.error.status_code for failure in failures] == bad
    assert [failure.status for failure in failures] == [c if 400 <= c < 600 else 500 for c in bad]
    assert all(failure.node == "node" for failure in failures)
    assert batch.status is not None  # The batch itself is as it was.
    assert not batch.failures


def test_settling_keeps_earlier_failures_and_leaves_a_batch_without_statuses_alone():
    batch = Batch([1], np.array([4]), {2: failed("before")})
    assert batch.settled("node") is batch
    refused = batch.with_failures(batch.failures).answer([1], np.array([404], dtype=np.int16))
    assert set(refused.with_failures({2: failed()}).settled("node").failures) == {2, 4}


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        *[(body, "answered with status 404") for body in (None, b"", "", Raw(b""))],
        ({"a": 1}, "answered with status 404: {'a': 1}"),
        (b"text", "answered with status 404: b'text'"),
        (np.array([1, 2]), "answered with status 404: array([1, 2])"),
        (pd.DataFrame({"a": [1]}), "answered with status 404:    a"),
    ],
)
def test_a_refusal_tells_what_was_answered(body, shown):
    refusal = Refusal.of(404, body)
    assert str(refusal).startswith(shown)
    assert refusal.status_code == 404
    assert len(str(Refusal.of(404, "x" * 10_000))) < 200


@given(STATUSES, st.data())
def test_statuses_and_waits_go_where_their_events_go(statuses, data):
    batch = answered(statuses).waited(np.arange(len(statuses)) / 4)
    rows = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=8, max_size=8))[: len(batch)])
    some = batch.select(rows)
    assert some.status.tolist() == [statuses[row] for row in rows.tolist()]
    assert some.elapsed.tolist() == [row / 4 for row in rows.tolist()]
    assert batch.at(some.positions).status.tolist() == some.status.tolist()
    rest = np.setdiff1d(np.arange(len(batch)), rows)
    merged = batch_of(len(statuses)).merge([(rest, batch.select(rest)), (rows, some)])
    assert merged.status.tolist() == statuses
    assert merged.elapsed.tolist() == (np.arange(len(statuses)) / 4).tolist()


def test_who_has_no_status_beside_others_has_200_and_has_not_waited():
    batch = batch_of(3)
    one, rest = np.array([1]), np.array([0, 2])
    plain = batch.select(rest)
    odd = batch.select(one).answer(["x"], np.array([404], dtype=np.int16)).waited(np.array([2.5]))
    merged = batch.merge([(one, odd), (rest, plain)])
    assert merged.status.tolist() == [200, 404, 200]
    assert merged.elapsed.tolist() == [0, 2.5, 0]
    merged = batch.merge([(rest, plain), (one, batch.select(one))])
    assert merged.status is merged.elapsed is None


def test_waits_add_up_and_a_request_has_neither_status_nor_wait():
    batch = answered([404, 200])
    assert batch.waited(None) is batch
    twice = batch.waited(np.array([1.0, 2.0])).waited(np.array([0.5, 0.5]))
    assert twice.elapsed.tolist() == [1.5, 2.5]
    assert twice.status.tolist() == [404, 200]
    request = twice.as_request()
    assert request.status is request.elapsed is None
    assert request.bodies is twice.bodies
    assert request.as_request() is request
    assert twice.with_status(None).elapsed.tolist() == [1.5, 2.5]


def test_failures_are_left_behind_and_put_back():
    batch = Batch(["a"], np.array([1]), {0: failed("before")})
    batch.memory["made"] = "of it"
    for twin in (batch.bare(), batch.as_request(), batch.waited(None), batch.with_status(None)):
        assert not twin.failures
        assert twin.memory is batch.memory  # Of the same bodies.
    put = batch.bare().with_failures({7: failed("put")})
    assert told(put) == {1: "a", 7: "put"}
    assert told(batch) == {1: "a", 0: "before"}
    bare = batch.bare()
    assert bare.bare() is bare


# --- bodies that came over the wire ----------------------------------------------------------


def test_what_came_over_the_wire_is_read_once_for_all():
    batch = Batch([Raw(b"[1]"), {"a": 1}, Raw(b"no")], np.arange(3))
    assert batch.events() == [[1], {"a": 1}, b"no"]
    assert batch.events() is batch.events()
    assert batch.as_read().bodies is batch.events()
    assert batch.bodies[0] == b"[1]"
    assert batch.select(np.array([2, 0])[::-1]).events() == [[1], b"no"]
    mixed = Batch(
        Mixed([[Raw(b"{}")], np.array([5])], np.array([0, 1]), np.zeros(2, int)), np.arange(2)
    )
    assert mixed.events() == [{}, 5]


def test_a_selection_is_read_too():
    batch = Batch([Raw(b"[1]"), Raw(b"[2]")], np.arange(2))
    chosen = batch.answer(batch.bodies, np.array([200, 404], dtype=np.int16)).settled("node")
    assert chosen.as_read().bodies == [[1]]


def test_reading_keeps_all_else_and_copies_nothing_that_is_read():
    plain = Batch([{"a": 1}], np.array([3]), {1: failed("before")})
    assert plain.as_read() is plain
    raw = answered([404]).answer([Raw(b"{}")], np.array([404])).waited(np.array([1.0]))
    read = raw.with_failures({1: failed("before")}).as_read()
    assert (read.bodies, read.status.tolist(), read.elapsed.tolist()) == ([{}], [404], [1.0])
    assert set(read.failures) == {1}


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

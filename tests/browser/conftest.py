"""JupyterLab as a user meets it: a real server, a real browser, a notebook open in it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import nbformat
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
START_SECONDS = 60
RUN_SECONDS = 180

SETTINGS = {
    # Every cell stays in the page, also those that are scrolled out of sight.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    # No question about news when it starts, and no look for any on the internet.
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}

# Resolves once the notebook is in front, read from its file, and its kernel answers.
OPENED = """async path => {
    const app = window.jupyterapp;
    await app.restored;
    const panel = await app.commands.execute('docmanager:open', { path });
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.revealed;
    app.shell.collapseLeft();
}"""

# The same in Notebook 7, where the page is the notebook.
OPENED_ALONE = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    while (!app.shell.currentWidget?.sessionContext) {
        await new Promise(again => setTimeout(again, 50));
    }
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.revealed;
}"""

# Resolves once the last cell has run, or one of them has failed.
RUN_ALL = """async () => {
    const { commands } = window.jupyterapp;
    await commands.execute('notebook:clear-all-cell-outputs');
    await commands.execute('notebook:run-all-cells');
}"""

# Neither of these two ends by itself when a kernel hangs.
IN_TIME = """([seconds, argument]) => Promise.race([
    (%s)(argument),
    new Promise((_, fail) => setTimeout(() => fail(`not done in ${seconds} s`), 1000 * seconds)),
])"""

# What the notebook now holds, as its file would have it.
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"

# Whether all cells of code have run: each then has its number.
ALL_COUNTED = f"""() => ({CELLS})().every(
    cell => cell.cell_type !== 'code' || !cell.source.length || cell.execution_count
)"""

# How high a window must be to show the notebook from its first cell to its last.
HEIGHT = """() => {
    const outer = document.querySelector('.jp-Notebook .jp-WindowedPanel-outer');
    const cells = [...outer.querySelectorAll('.jp-Cell')].map(cell => cell.offsetHeight);
    const around = window.innerHeight - outer.clientHeight;
    return Math.ceil(around + 2 * 20 + cells.reduce((sum, height) => sum + height, 0));
}"""


@dataclass(frozen=True)
class Lab:
    """A JupyterLab server that is running, and the folder that it shows."""

    url: str
    token: str
    folder: Path


@dataclass(frozen=True)
class OpenNotebook:
    """A notebook that is open in JupyterLab in a browser, its kernel ready."""

    page: Page
    document: nbformat.NotebookNode
    complaints: list[str] = field(default_factory=list)
    """What the browser's console has had of errors since the page was opened."""

    def run_all(self) -> None:
        """Run every cell, and wait for the last; what the file held of former runs is cleared."""
        _wait_for(self.page, RUN_ALL)
        # After a cell that raised, JupyterLab may say that it is done before the last are.
        with suppress(NotInTime):
            self.page.wait_for_function(ALL_COUNTED, timeout=30_000)

    def tagged(self, tag: str) -> Locator:
        """Return the one cell that bears a tag."""
        (index,) = (
            i for i, cell in enumerate(self.document.cells) if tag in cell.metadata.get("tags", ())
        )
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def answer(self, tag: str) -> Locator:
        """Return what the cell that bears a tag has answered, as it is rendered."""
        return self.tagged(tag).locator(".jp-OutputArea-output")

    @property
    def errors(self) -> list[str]:
        """Name every exception that a cell ended with."""
        return [
            f"{output['ename']}: {output['evalue']}"
            for cell in self.page.evaluate(CELLS)
            for output in cell.get("outputs", ())
            if output["output_type"] == "error"
        ]

    @property
    def not_run(self) -> list[str]:
        """The code of every cell that has not run to its end."""
        return [
            cell["source"]
            for cell in self.page.evaluate(CELLS)
            if cell["cell_type"] == "code" and cell["source"] and not cell["execution_count"]
        ]

    def picture(self, path: Path) -> None:
        """Save how the whole notebook looks, as a PNG."""
        self.page.set_viewport_size({"width": 1100, "height": self.page.evaluate(HEIGHT)})
        self.page.locator(".jp-Notebook .jp-Cell").first.scroll_into_view_if_needed()
        self.page.screenshot(path=path)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Lab]:
    """Serve a copy of the notebooks, out of reach of the user's own settings and kernels."""
    home = tmp_path_factory.mktemp("lab")
    folder = home / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    settings = home / "config" / "lab" / "user-settings"
    for name, values in SETTINGS.items():
        file = settings / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    environment = os.environ | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "config" / "lab" / "workspaces"),
    }
    lab = Lab(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), folder)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={lab.url.rpartition(':')[2]}"),
        *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
        f"--IdentityProvider.token={lab.token}",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",  # the usual one asks the package index
    ]
    log = home / "server.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        ) as server,
    ):
        try:
            _wait_until_up(lab, server, log)
            yield lab
        finally:
            server.terminate()  # it ends its kernels, and then itself


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{lab.url}/api?token={lab.token}", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}", pytrace=False)


@pytest.fixture(scope="module")
def browser(chromium: str, missing: Callable[[str, str], NoReturn]) -> Iterator[Browser]:
    """Start the system's Chromium.

    For one module and not for all: while it is open, playwright keeps an event
    loop running in this thread, where other tests want to start their own.
    """
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=[
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    "--disable-quic",
                    "--disable-sync",
                    "--no-first-run",
                    "--no-sandbox",  # which Chromium cannot do without as root
                ],
            )
        except Error as error:
            missing(f"A Chromium that starts ({error.message})", f"see why {chromium} does not")
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser) -> Iterator[Callable[..., OpenNotebook]]:
    """Return a function that opens a notebook of the lab's folder, given its name."""
    with opener(lab, browser) as open_:
        yield open_


@contextmanager
def opener(lab: Lab, browser: Browser) -> Iterator[Callable[..., OpenNotebook]]:
    """Give a function that opens a notebook of the lab's folder, given its name.

    With ``interface="notebook"`` it opens in Notebook 7, which the same server has.
    """
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:

        def open_(name: str, interface: str = "lab") -> OpenNotebook:
            document = nbformat.read(lab.folder / name, as_version=4)
            notebook = OpenNotebook(context.new_page(), document)
            notebook.page.set_default_timeout(RUN_SECONDS * 1000)

            def hear(message: ConsoleMessage) -> None:
                if message.type == "error":
                    notebook.complaints.append(f"{message.text} ({message.location['url']})")

            notebook.page.on("console", hear)
            notebook.page.on("pageerror", lambda error: notebook.complaints.append(str(error)))
            if interface == "notebook":
                notebook.page.goto(f"{lab.url}/notebooks/{name}?token={lab.token}")
                notebook.page.wait_for_function("() => window.jupyterapp")
                _wait_for(notebook.page, OPENED_ALONE)
                # Notebook 7.6 has one of its own while it starts, whatever is opened.
                notebook.complaints.clear()
                return notebook
            # Of two pages in one workspace, the second reloads itself into another.
            workspace = secrets.token_hex(4)
            notebook.page.goto(f"{lab.url}/lab/workspaces/{workspace}?token={lab.token}")
            notebook.page.wait_for_function("() => window.jupyterapp")
            _wait_for(notebook.page, OPENED, name)
            return notebook

        yield open_


def _wait_for(page: Page, script: str, argument: str | None = None) -> None:
    page.evaluate(IN_TIME % script, [RUN_SECONDS, argument])

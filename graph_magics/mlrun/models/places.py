"""Where files are: on this machine, on a web server, or wherever fsspec reaches."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ...errors import GraphError, listed, near, one_line

#: How many seconds a server may be silent.
_TIMEOUT = 60.0


class Place:
    """A file or a folder on this machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._path = Path(url.removeprefix("file://")).expanduser()

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self._path.name

    def is_folder(self) -> bool:
        """Whether it is a folder; raises if there is nothing."""
        if not self._path.exists():
            raise self._missing()
        return self._path.is_dir()

    def names(self) -> list[str]:
        """The files of a folder."""
        return sorted(path.name for path in self._path.iterdir() if path.is_file())

    def inside(self, name: str) -> Place:
        """What stands in a folder under a name, or elsewhere if the name says where."""
        return place_of(name) if _is_whole(name) else Place(str(self._path / name))

    def parent(self) -> Place:
        """The folder that it stands in."""
        return Place(str(self._path.parent))

    def fetch(self, folder: Callable[[], str]) -> str:
        """Give the path of the file on this machine; fetched to a folder, if it is elsewhere."""
        if not self._path.is_file():
            raise self._missing()
        return str(self._path)

    def _missing(self) -> GraphError:
        parent = self._path.parent
        if not parent.is_dir():
            return GraphError(f"there is no {self.url!r}, and no folder {str(parent)!r}")
        names = sorted(path.name for path in parent.iterdir())
        has = f"The folder has {listed(names)}" if names else "The folder is empty"
        return GraphError(f"there is no {self.url!r}{near(self.name, names) or '.'} {has}")


class _Remote(Place):
    """A file or a folder that fsspec knows how to reach."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def name(self) -> str:
        return unquote(PurePosixPath(urlsplit(self.url).path).name) or self.url.rpartition("/")[2]

    def is_folder(self) -> bool:
        return bool(self._asked("isdir"))

    def names(self) -> list[str]:
        entries = self._asked("ls", detail=True)
        return sorted(PurePosixPath(e["name"]).name for e in entries if e["type"] == "file")

    def inside(self, name: str) -> Place:
        return place_of(name if _is_whole(name) else f"{self.url.rstrip('/')}/{name}")

    def parent(self) -> Place:
        return place_of(self.url.rstrip("/").rpartition("/")[0])

    def fetch(self, folder: Callable[[], str]) -> str:
        path = os.path.join(tempfile.mkdtemp(dir=folder()), self.name or "model")
        self._download(path)
        return path

    def _download(self, path: str) -> None:
        self._asked("get_file", path)

    def _asked(self, method: str, *args: Any, **kwargs: Any) -> Any:
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(self.url)
            return getattr(system, method)(path, *args, **kwargs)
        except ImportError as error:
            raise GraphError(f"{self.url!r} needs a package: {one_line(error)}") from None
        except FileNotFoundError:
            raise GraphError(f"there is no {self.url!r}{self._beside()}") from None
        except Exception as error:
            raise GraphError(f"{self.url!r} cannot be read: {one_line(error)}") from error

    def _beside(self) -> str:
        names: list[str] = []
        parent = self.parent()
        if isinstance(parent, _Remote) and parent.name:
            with suppress(GraphError):
                names = parent.names()
        if not names:
            return ""
        return f"{near(self.name, names) or '.'} The folder has {listed(names)}"


class _Web(_Remote):
    """A file on a web server; folders cannot be listed there."""

    def is_folder(self) -> bool:
        return False

    def _beside(self) -> str:
        return ""

    def _download(self, path: str) -> None:
        import httpx

        try:
            with (
                httpx.stream("GET", self.url, follow_redirects=True, timeout=_TIMEOUT) as answer,
                open(path, "wb") as file,
            ):
                if not answer.is_success:
                    raise GraphError(f"{self.url!r} was answered with status {answer.status_code}")
                for chunk in answer.iter_bytes():
                    file.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise GraphError(f"{self.url!r} cannot be read: {one_line(error)}") from error


def place_of(url: str) -> Place:
    """Give what stands at a path or a URL."""
    protocol = url.partition("://")[0].lower() if "://" in url else ""
    if protocol in ("", "file"):
        return Place(url)
    if protocol == "store":
        raise GraphError(
            f"{url!r} is kept in a store of MLRun's; give the path or the URL of the file itself"
        )
    return _Web(url) if protocol in ("http", "https") else _Remote(url)


def _is_whole(name: str) -> bool:
    """Whether a name says by itself where it is."""
    return "://" in name or os.path.isabs(name)


@cache
def _temporary() -> str:
    folder = tempfile.mkdtemp(prefix="graph-magics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def folder_for(owner: Any) -> Callable[[], str]:
    """A new folder when it is first asked for, which goes with its owner or the process."""
    made: list[str] = []

    def folder() -> str:
        if not made:
            made.append(tempfile.mkdtemp(dir=_temporary()))
            if owner is not None:
                weakref.finalize(owner, shutil.rmtree, made[0], ignore_errors=True)
        return made[0]

    return folder

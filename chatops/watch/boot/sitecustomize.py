"""Begins the observation of a program, before its first line.

Python imports a module of this name at its start (the `site` module).  `chatops watch` puts
this folder in front of PYTHONPATH; here that is undone, the program's own `sitecustomize` is
run if it has one, and a program that cannot be observed runs on as if nothing had been.
"""

from __future__ import annotations

import sys

_BEFORE = frozenset(sys.modules)

import os  # noqa: E402
from importlib.machinery import PathFinder  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Finder:
    """Finds chatops and what it needs where `chatops watch` has it, whatever Python this is."""

    def __init__(self, folders: list[str], names: tuple[str, ...]) -> None:
        self.folders = folders
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        return PathFinder.find_spec(name, self.folders) if name in self.names else None


def _restore() -> None:
    """Leave no trace of how this file was found."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]
    sys.path_importer_cache.pop(here, None)


def _begin() -> None:
    folders = os.environ.get("CHATOPS_WATCH_IMPORTS", "").split(os.pathsep)
    # Its own chatops first, which speaks as the console does; the rest only where it is missing.
    sys.meta_path.insert(0, _Finder(folders[:1], ("chatops",)))
    sys.meta_path.append(_Finder(folders[1:], ("msgspec",)))
    from chatops.watch.begin import begin

    begin(os.path.dirname(os.path.abspath(__file__)))
    from chatops.watch.imports import set_aside

    set_aside(_BEFORE)


def _real() -> None:
    """The `sitecustomize` that would have been run."""
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        sys.modules["sitecustomize"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


_restore()
if "CHATOPS_WATCH" in os.environ:
    try:
        _begin()
    except BaseException as error:
        sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, _Finder)]
        if os.environ.get("CHATOPS_WATCH_DEBUG"):
            print(f"chatops watch: not observed: {error!r}", file=sys.stderr)
_real()

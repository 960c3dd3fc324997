"""What the observer imports is Python's own, and what the program imports is as without it.

A program may have a module that is called as one of Python's is (`platform.py`), as long as
nothing that it imports wants the other one.  What the observer has imported must not be given
to it in the place of its own, nor may the observer import, and so run, what is the program's.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from importlib.machinery import ModuleSpec, PathFinder

_LIBRARY = os.path.dirname(os.__file__)
_FOLDERS = [_LIBRARY, os.path.join(_LIBRARY, "lib-dynload")]
_VALUED = ("-W", "-X", "--check-hash-based-pycs")      # options of Python with a value after them


class StandardFinder:
    """Finds Python's own modules for one thread, whatever lies in the program's folder."""

    def __init__(self) -> None:
        self.thread = 0                # whose imports are meant
        self._found: list[str] = []

    def find_spec(self, name: str, path: object = None, _target: object = None
                  ) -> ModuleSpec | None:
        if (get_ident() != self.thread or path is not None
                or name not in sys.stdlib_module_names):
            return None
        self._found.append(name)
        return PathFinder.find_spec(name, _FOLDERS)

    def give_back(self) -> None:
        """Have the program find its own from now on, where it has one of that name."""
        while self._found:
            _forget(self._found.pop(), None)


finder = StandardFinder()


def install() -> None:
    """Use the finder.  Idempotent."""
    if finder not in sys.meta_path:
        sys.meta_path.insert(0, finder)


def set_aside(before: frozenset[str]) -> None:
    """Forget what was imported since `before`, at Python's start, and is also the name of a module
    in the folder that the program will be looked for in.
    """
    folder = _first_folder(sys.orig_argv[1:])
    if folder is None or sys.flags.safe_path:
        return
    for name in {name.partition(".")[0] for name in sys.modules.keys() - before}:
        if name in sys.stdlib_module_names:
            _forget(name, [folder])


def _first_folder(words: list[str]) -> str | None:
    """The first of what will be `sys.path`, by Python's command line; None without a program."""
    valued = False
    for word in words:
        if valued:
            valued = False
        elif word.startswith("--") or (word.startswith("-") and len(word) > 1):
            if word[:2] in ("-c", "-m"):
                return _working_folder()
            valued = word in _VALUED
        else:
            found = os.path.realpath(word)
            whole = os.path.isdir(found) or found.endswith((".pyz", ".zip"))
            return found if whole else os.path.dirname(found)
    return None


def _working_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None                    # somebody has removed it


def _forget(name: str, folders: list[str] | None) -> None:
    """Unless what is found there, or in `sys.path`, is what has been imported."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    theirs = PathFinder.find_spec(name, folders)
    if spec is None or not spec.has_location or theirs is None or theirs.loader is None:
        return                         # nobody can have one instead (in C), or nobody has
    if theirs.origin != spec.origin:
        for each in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[each]

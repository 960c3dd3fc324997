"""The paths that people give: on a command line, in a file of settings, in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from chatops.system.errors import ChatopsError


class PathError(ChatopsError, ValueError):
    """Text that names no path; one line that says why."""


def expand(text: str | os.PathLike[str]) -> Path:
    """The path that is meant, `~` and `~user` expanded: what no shell has expanded is given
    by a dialog, a settings file, a variable or `--flag=~/file`.

    A relative path stays relative.  Raises `PathError`.
    """
    given = os.fspath(text)
    if "\0" in given:
        raise PathError("a path cannot hold a NUL byte")
    expanded = os.path.expanduser(given)       # pathlib would take ./~name for ~name
    if not expanded.startswith("~"):
        return Path(expanded)
    name = given[1:].partition("/")[0]
    why = f"there is no user '{name}' here" if name else "where your home is nobody knows"
    raise PathError(f"'{given}': {why}; a file of that name is './{given}'")


def absolute(text: str | os.PathLike[str]) -> Path:
    """The same, from the root.  Raises `PathError`, where the working directory is gone too."""
    path = expand(text)
    try:
        return path.absolute()
    except OSError as error:
        raise PathError(f"'{path}': the working directory cannot be told "
                        f"({error.strerror or error})") from None

"""A program that replaces itself by another Python, as bots do to start anew, stays observed.

exec(3) leaves nothing of a process but its number and what it has marked as inherited.  What
the parent once handed over is handed over again, to the same interpreter and to nobody else:
what else a program may become cannot be looked into, and is not to find these.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol


class Handed(Protocol):
    """The control socket that has been handed over."""

    @property
    def is_ours(self) -> bool:
        """Whether it is still there, in this process."""

    def hand_on(self, *, on: bool) -> str:
        """Have it inherited, or no longer; how whoever inherits it is told of it."""


def follow(listening: Handed, handed: str, environment: Mapping[str, str], boot: str) -> None:
    """From now on; `handed` is the variable that names the descriptors, and `boot` what goes in
    front of PYTHONPATH.
    """
    def ours(env: Mapping[Any, Any]) -> dict[Any, Any]:
        folders = env.get("PYTHONPATH", "").split(os.pathsep)
        path = os.pathsep.join([boot, *(each for each in folders if each and each != boot)])
        return {**env, **environment, handed: listening.hand_on(on=True), "PYTHONPATH": path}

    plain = os.execve

    def execve(path: Any, argv: Any, env: Any) -> NoReturn:
        if not (isinstance(path, (str, bytes, os.PathLike)) and _is_this_python(path)
                and listening.is_ours):
            plain(path, argv, env)
        try:
            plain(path, argv, ours(env))
        finally:                           # it has failed
            listening.hand_on(on=False)

    os.execve = _Call(os.execve, execve)
    os.execv = _Call(os.execv, lambda path, argv: execve(path, argv, os.environ))


class _Call:
    """In the place of a built-in function: one written in Python would become a method of a
    class that keeps it.
    """

    def __init__(self, plain: Any, call: Any) -> None:
        self.__name__ = self.__qualname__ = plain.__name__
        self.__doc__ = plain.__doc__
        self._call = call

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._call(*args, **named)


def _is_this_python(path: str | bytes | os.PathLike[Any]) -> bool:
    return os.path.realpath(os.fsdecode(path)) == os.path.realpath(sys.executable)

"""What the terminal can show, told from the environment: how many colours, which signs.

There is no asking that is safe: a terminal that does not know the question prints it, and
one at the end of a slow line answers among the keys.  So the variables decide, each by
itself:

- `NO_COLOR` (no-color.org), unless empty: no colours at all; bold and reverse stay.
- `COLORTERM=truecolor|24bit`: any colour, whatever `TERM` says; screen and tmux pass it on.
- `TERM=…-256color`, `…-direct`, and terminals known for it by name: the 256 of the palette.
- `TERM=xterm`, `linux`, `screen`, `vt…` and so on: sixteen colours, the terminal's own.
- `LC_ALL`, else `LC_CTYPE`, else `LANG` name a locale that is not of UTF-8: ASCII only.
- `TERM=linux`: its font has a few hundred signs, no rounded corner and no eighth of a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MANY = ("256color", "direct", "truecolor", "kitty", "alacritty", "wezterm", "ghostty", "foot",
        "contour", "iterm")
# What CPython puts into LC_CTYPE by itself where the locale is C (PEP 538).
COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})


@dataclass(frozen=True, slots=True)
class Terminal:
    """`letters` is the first code point that it cannot show, 0 when it can show all."""

    no_color: bool = False
    sixteen: bool = False          # colours: the terminal's own and no others
    palette: bool = False          # 256 colours: any other is drawn in the nearest of them
    letters: int = 0

    @property
    def theme(self) -> str:
        """That it is best shown in, where the operator has not chosen."""
        return "ansi" if self.sixteen or self.no_color else "night"


ASCII, LATIN_1 = 0x80, 0x100


def look(environment: Mapping[str, str], *, plain: bool = False) -> Terminal:
    """Read the variables; `plain` is what `--ascii` asks for."""
    term = environment.get("TERM", "").casefold()
    every = environment.get("COLORTERM", "").casefold() in ("truecolor", "24bit")
    many = every or any(name in term for name in MANY)
    ascii_only = plain or not _is_utf8(environment)
    return Terminal(
        no_color=bool(environment.get("NO_COLOR")),
        sixteen=not many,
        palette=many and not every,
        letters=ASCII if ascii_only else LATIN_1 if term == "linux" else 0)


def _is_utf8(environment: Mapping[str, str]) -> bool:
    """No locale at all says nothing about the terminal, and nearly all are of UTF-8 today."""
    names = ["LC_ALL", "LC_CTYPE", "LANG"]
    if environment.get("LC_CTYPE") in COERCED and environment.get("LANG") in ("C", "POSIX"):
        names.remove("LC_CTYPE")           # nobody but an interpreter has said that
    named = next((value for name in names if (value := environment.get(name))), "UTF-8")
    return named.casefold().replace("-", "").partition("@")[0].endswith("utf8")

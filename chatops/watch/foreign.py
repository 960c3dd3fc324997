"""An observed selector around one that is none of the `selectors` module's."""

from __future__ import annotations

from typing import Any

from chatops.watch.selector import WatchedSelector


class ForeignSelector(WatchedSelector):
    """Around a selector that somebody wrote: nobody knows what else it has."""

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":
            raise AttributeError(name)
        return getattr(self._inner, name)

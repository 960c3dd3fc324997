"""A group-chat server you can see inside, and a console for any program's event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from chatops.watch import new_event_loop as observed_loop
    from chatops.watch import start as watch

__all__ = ["__version__", "observed_loop", "watch"]


def __getattr__(name: str) -> Any:
    # Only for whoever asks: the server has no need of them.
    if name in ("watch", "observed_loop"):
        import importlib

        module = importlib.import_module("chatops.watch")
        return module if name == "watch" else module.new_event_loop
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

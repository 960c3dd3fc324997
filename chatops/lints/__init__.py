"""What a reviewer would object to in a selector: of the chat server, and of a program watched."""

from __future__ import annotations

from chatops.lints.server import LINTS, age_of, distinct, find, looked_for

__all__ = ["LINTS", "age_of", "distinct", "find", "looked_for"]

"""What many of these tests begin with."""

from __future__ import annotations

from tests.unit.irc_login import gate

__all__ = ["gate"]                # fixtures from elsewhere

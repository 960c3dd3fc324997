"""A group-chat server you can see inside."""

__version__ = "0.1.0"

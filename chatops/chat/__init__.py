"""The chat itself, without I/O: bytes and names in, decisions out.

Nothing here knows a socket, a selector, a thread or a clock; time is an argument.
"""

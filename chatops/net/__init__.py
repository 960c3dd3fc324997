"""Sockets: accepting them, sending through them without ever waiting, closing them well.

Nothing here knows what the bytes mean.
"""

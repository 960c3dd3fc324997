"""The project's own benchmark: this server, and what people write instead, under one load.

The server and the load run in processes of their own, on CPUs of their own where the
system lets them be chosen.  Everything needed is here; nothing in it is imported by the
server.
"""

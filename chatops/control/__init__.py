"""The control socket: consoles and scripts in other processes, by way of a Unix socket.

`socket_path` is where it lies and whose it is, `frames` what passes over it, `listener` and
`session` the server's end on the reactor's own selector, `wire` and `remote` the other.
"""

"""Several nodes, one chat: a Redis or Valkey stream is the log that all of them share.

    hub → Member (what travels) → FrameQueue → Link (sockets) → engine → Link → Member → hub

Frames, numbers and outbox are sans-I/O; `link` waits for nothing but the reactor's selector.
Imported only where `--cluster` is given; needs the extra `cluster` (hiredis).
"""

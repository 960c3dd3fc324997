"""The console in a browser, for a colleague: `chatops web`.

`pages` serves it, through the library textual-serve (the extra `web`): each browser gets a
`chatops attach` in a process of its own, whose screen goes to it over a WebSocket.
"""

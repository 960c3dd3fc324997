"""The event loop: a selector that can be watched, and the reactor that turns on it.

Nothing here knows of chat, of the network's protocols, or of a console.
"""

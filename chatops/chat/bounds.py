"""How much of anything another node may tell: an item with more of it means nothing.

The decoder itself holds to this, so that what is too much has cost nothing.  It is well above what
any node lets its clients have.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

NAME = 256
TEXT = 4096
FAR = 1e10                     # seconds: the year 2286

Name = Annotated[str, Meta(max_length=NAME)]   # of somebody, somewhere, an account, or a mask
Text = Annotated[str, Meta(max_length=TEXT)]   # why, what about, who in real life
Moment = Annotated[float, Meta(ge=-FAR, le=FAR)]
Few = Meta(max_length=256)     # rooms of one person, masks in one list
Many = Meta(max_length=4096)   # people, rooms, rulings or names in one item
Crowd = Meta(max_length=1 << 16)       # groups in one item, items in one frame

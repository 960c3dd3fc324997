"""The lab on the screen: its menu, the six servers, the lessons, and their pictures."""

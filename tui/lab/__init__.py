"""The lab on the screen: its menu, the five servers, the lessons, and their pictures."""

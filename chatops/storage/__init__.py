"""What waits for a disk, on a thread of its own: the event log and the history of the chat."""

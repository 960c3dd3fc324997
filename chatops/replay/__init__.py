"""Time travel: the turns that were, kept in memory, written to a file, read and played again."""

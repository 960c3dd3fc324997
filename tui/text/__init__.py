"""Values and events as text for a terminal's cells."""

"""One file, one pane: a widget that draws what the state holds of its subject."""

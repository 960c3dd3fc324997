"""Small drawing widgets that the panes share."""

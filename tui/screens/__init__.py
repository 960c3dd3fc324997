"""What lies over the panes for a moment: questions, the command line, details, help."""

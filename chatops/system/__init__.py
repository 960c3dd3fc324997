"""What the operating system makes of what a person gives: paths, files, streams, columns."""

"""What crosses the boundary between a server and whoever looks at it or steers it."""

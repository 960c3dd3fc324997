"""Built-in clients, well behaved and not, and who makes them."""

"""What the console knows and how it is arranged; draws nothing."""

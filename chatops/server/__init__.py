"""The chat server on one reactor: state, wiring, admission, administration, effects, shutdown."""

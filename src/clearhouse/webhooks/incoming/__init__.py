"""Incoming: stored as they came, acknowledged at once, handled afterwards."""

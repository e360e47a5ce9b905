"""Snapshots of worlds: both halves of each, that of the store and that of the relay, taken and restored together."""

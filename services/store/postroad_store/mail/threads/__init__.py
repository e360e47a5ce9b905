"""THREAD: which messages belong together (RFC 5256)."""

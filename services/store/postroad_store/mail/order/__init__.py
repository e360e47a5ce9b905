"""SORT: what messages are ordered by, and how (RFC 5256)."""

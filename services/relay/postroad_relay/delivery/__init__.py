"""Delivery: from a domain to a server that took the message."""

"""Delivery into mailboxes: the service behind port 25."""

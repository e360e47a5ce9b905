"""Postroad's authoritative name server, on dnslib, and keeper of the address book."""

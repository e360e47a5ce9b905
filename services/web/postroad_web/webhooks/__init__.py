"""Webhooks: events that are sent to a receiver's URL, signed, again and again until it has taken them."""

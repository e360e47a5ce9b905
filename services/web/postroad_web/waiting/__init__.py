"""Waits for messages, and for quiet: held by the server, answered by the event."""

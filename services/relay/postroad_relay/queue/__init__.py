"""The queue: messages that wait, when they are tried again, and how they end."""

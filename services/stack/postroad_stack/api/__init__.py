"""The commands' side of the HTTP API: `wait`, `messages`, `send` and `queue` ask the web service through it."""

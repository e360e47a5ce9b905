"""The web service: what happened to every message, searchable, over HTTP."""

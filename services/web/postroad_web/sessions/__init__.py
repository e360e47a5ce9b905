"""Transcripts of all services, as the web service shows them: `directory` asks their doors, `live` listens to them."""

"""The worlds that the API makes: the web service is their master, and keeps their definitions."""

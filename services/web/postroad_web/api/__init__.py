"""The HTTP API: one ASGI application, put together from the routes of its parts (`app.build`)."""

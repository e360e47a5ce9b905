"""A client of the name server: `wire` reads and writes messages, `client` asks."""

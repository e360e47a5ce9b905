"""The SQLite database: schema, reading, and every change as a commit."""

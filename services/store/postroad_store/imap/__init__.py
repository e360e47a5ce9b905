"""IMAP4rev1 (RFC 3501): a sans-IO engine, and the session that carries its commands out against the mail."""

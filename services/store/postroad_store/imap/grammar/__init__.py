"""The grammar that IMAP's commands and responses share (RFC 3501 §9)."""

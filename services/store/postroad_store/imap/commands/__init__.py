"""IMAP's commands: one module per command or family, each with all that the server knows of it (`spec.Spec`)."""

"""IMAP's commands: one module per command or family, each with its Specs (`spec.Spec`)."""

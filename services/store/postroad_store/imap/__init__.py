"""IMAP4rev1 (RFC 3501): an engine without I/O, and the session that carries its commands out against the mail.

To follow one command, read:

- `framing`: octets become a whole command, with its literals
- `engine`: the command is looked up in the registry, checked against the state and parsed; it becomes an event
- `commands/`: the module of the command has its event, its parser and its handler
- `session`: calls the handler, and says with its completion what has changed in the mailbox (`updates`)
"""

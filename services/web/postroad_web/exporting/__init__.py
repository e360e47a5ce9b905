"""Messages of a mailbox as a file: an mbox, a tar of a Maildir, a tar of .eml files; each written as it is read."""

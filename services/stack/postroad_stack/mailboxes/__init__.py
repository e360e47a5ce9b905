"""Mailboxes as files: `postroad import` reads Maildirs, mbox files and .eml files, `postroad export` writes them."""

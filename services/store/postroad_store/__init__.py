"""Postroad's store, on Twisted: the recipient's server with its mailboxes, over POP3 and IMAP."""

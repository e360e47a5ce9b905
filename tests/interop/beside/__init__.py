"""Random IMAP sessions on Postroad's store and on Debian's Dovecot: what is answered, and what is left behind."""

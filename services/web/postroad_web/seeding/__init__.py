"""Messages out of files, for mailboxes: a single one, an mbox, a Maildir in a tar; each read as it comes."""

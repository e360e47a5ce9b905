"""What can be done to the mail: each a piece of work for the writer thread, and what it changes in memory."""

"""What can be done to the mail: one class per kind of change, with what it writes and what it changes in memory."""

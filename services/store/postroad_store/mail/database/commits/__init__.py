"""The changes of the mail: one class per kind, which writes to the database and then changes the memory."""

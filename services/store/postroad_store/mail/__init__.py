"""The mail that the store keeps: accounts, their mailboxes, the messages in them.

One SQLite database holds everything. All writes go through one writer thread (group commit): a call hands its work over
at once and gives back an awaitable that ends when the work is on disk. Only then does the memory change, on the event
loop's thread and in the order of the commits, so what a session sees is always durable. Reads are short synchronous
calls on a connection of their own; long reads run in a thread.

- `storage.Storage`: the door; opens accounts and mailboxes, commits every change, reads messages, searches
- `writer`: the thread that commits
- `loader` and `packer`: which mailboxes are in memory; packs of those that have changed
- `model`: what is in memory. `account` has a user's mailboxes and subscriptions; `mailbox` the UIDs, flags, sizes,
  dates and mod-sequences of its messages in `columns` while it is in use; `view` is one session's knowledge of it,
  which lags until the session reports changes to its client. `arrival` is a message to store; `errors` are those of
  the mail, with their RFC 5530 response codes
- `database`: `tables`, `schema` and `migrations`, `packs`, `expunged`, `connection` and `checkpoint`, `reader`,
  `listing` for the control door, and `commits`: one class per change, which writes to the database and then changes
  the memory
- `search`: search keys and their evaluation

Standards: RFC 3501 (IMAP4rev1), RFC 5322, RFC 2045 to 2047 and 2231 (MIME), RFC 4315 (UIDPLUS), RFC 6154 (SPECIAL-USE),
RFC 6851 (MOVE).
"""

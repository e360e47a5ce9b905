"""The mail that the store keeps: accounts, their mailboxes, the messages in them.

One SQLite database holds everything. All writes go through one writer thread (group commit): a call hands its
work over at once and gives back an awaitable that ends when the work is on disk. Only then does the memory
change, on the event loop's thread and in the order of the commits, so what a session sees is always durable.
Reads are short synchronous calls on a connection of their own.

- `storage.Storage`: the one door; opens accounts, commits every change, reads messages
- `account.Account`: one user's mailboxes, names and subscriptions
- `mailbox.Mailbox`: one mailbox; while it is in use its UIDs, flags, sizes and dates stand in parallel lists
- `changes.View`: one session's sight of a mailbox, which lags behind until the session is told
- `message`, `parse`: what a message is made of, found out once, at delivery
- `commits`, `names`: what can be done, each a piece of work for the writer thread and what it changes in memory
- `search/`: the tree of search keys and its evaluation
- `database`, `reading`: the schema, and reading from it
- `errors`: what can go wrong, with the RFC 5530 response code of each

Standards: RFC 3501 (IMAP4rev1), RFC 5322, RFC 2045-2047 and 2231 (MIME), RFC 4315 (UIDPLUS), RFC 6154
(SPECIAL-USE), RFC 6851 (MOVE).
"""

"""`postroad fsck`, `backup`, `restore` and `compact`: the store's own programs, each in a process of its own.

Services and stack share no code but the common vocabulary.
"""

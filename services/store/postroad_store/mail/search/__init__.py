"""SEARCH: the tree of keys and its evaluation."""

"""Searching the catalog: a query's text becomes a tree, and the tree becomes SQL; a plain evaluator says the same.

query = parse('subject:"your code" rcpt:eve@beta.test', dialect="native")
page = await catalog.find(query)
"""

from postroad_web.search.query import Dialect, Query, parse
from postroad_web.search.tree import QueryError

__all__ = ["Dialect", "Query", "QueryError", "parse"]

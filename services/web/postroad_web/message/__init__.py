"""A message as people and programs read it: its texts, parts, links and codes; and how one is written."""

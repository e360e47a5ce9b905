"""LIST and XLIST: which names there are, and what is told of each.

An option is an object: `Selection` says which names are listed, `Return` what follows each LIST response. To add one is
to add it to its table in `options`.
"""

from postroad_store.imap.commands.list.command import SPECS

__all__ = ["SPECS"]

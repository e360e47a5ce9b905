"""Print what the distributions in these folders depend on, except each other: `python needs.py common relay`.

The Dockerfile installs that in a layer of its own, which a change of our code does not invalidate.
"""

import sys
import tomllib
from pathlib import Path

for folder in sys.argv[1:]:
    project = tomllib.loads(Path(folder, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print(*(need.replace(" ", "") for need in project["dependencies"] if not need.startswith("postroad")))

"""Builds the console into the wheel. An editable installation has none: `make venv` builds it beside its sources."""

import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConsole(build_py):
    """Puts the console into the package before its files are gathered."""

    def run(self) -> None:
        """Build it, and copy all files."""
        if not self.editable_mode:
            subprocess.run([sys.executable, str(Path(__file__).parent / "console" / "build.py")], check=True)
            self.__dict__.pop("data_files", None)  # setuptools may have listed them before
        super().run()


setup(cmdclass={"build_py": BuildWithConsole})

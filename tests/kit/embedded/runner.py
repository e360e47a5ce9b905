"""Stands in for `postroad run`: locks its data folder, says that it is ready, and ends when nobody needs it."""

import fcntl
import json
import os
import signal
import sys
import threading
from pathlib import Path

folder, wanted = Path(sys.argv[1]), sys.argv[2]
if wanted == "fail":
    sys.exit("no disk")
(folder / "data").mkdir(exist_ok=True)
lock = (folder / "data" / "lock").open("w")
fcntl.flock(lock, fcntl.LOCK_EX)
users = (folder / "users").open("r+")
with (folder / "starts").open("a") as starts:
    starts.write(f"{os.getpid()}\n")


def watch() -> None:
    fcntl.flock(users, fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGTERM)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
threading.Thread(target=watch, daemon=True).start()
sys.stdout.write(json.dumps({"ready": True, "endpoints": {"web": ["127.0.0.1", 8025]}}) + "\n")
sys.stdout.flush()
while True:
    signal.pause()

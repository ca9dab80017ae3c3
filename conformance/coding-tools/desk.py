"""A person's desk: an empty home, a workspace, a key, and nothing else in reach."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

# Where nothing listens: whatever is not on this machine cannot be reached.
NOWHERE = "http://127.0.0.1:9"
RUN_SECONDS_MAX = 90
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


class Ended(NamedTuple):
    """How a program ended, and what it printed."""

    status: int | None
    output: str
    seconds: float


class Desk:
    """One person's machine, as far as a tool sees it."""

    def __init__(self, folder, base_url, key):
        self.base_url = base_url
        self.key = key
        self.home = folder / "home"
        self.workspace = folder / "workspace"
        self.home.mkdir(parents=True)
        self.workspace.mkdir()

    def write(self, path, text):
        """Writes a file of the home, such as a tool's settings."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, command, environment=None, seconds_max=RUN_SECONDS_MAX):
        """Runs a tool in the workspace. One that does not end in time ends with status `None`."""
        started = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.workspace,
            env={**self._environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Tools start helpers of their own, which must not outlive them.
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds_max)
            status = process.returncode
        except subprocess.TimeoutExpired:
            stop(process)
            output, _ = process.communicate()
            status = None
        finally:
            stop(process)
        return Ended(status, COLOURS.sub("", output), time.monotonic() - started)

    def _environment(self):
        proxies = {name: NOWHERE for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")}
        local = "127.0.0.1,localhost"
        return {
            **proxies,
            "NO_PROXY": local,
            "no_proxy": local,
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "CI": "1",
            "DO_NOT_TRACK": "1",
            # A tool that asks a version manager for its interpreter must find it without the person's own settings.
            **{name: os.environ[name] for name in ("PYENV_ROOT", "PYENV_VERSION") if name in os.environ},
        }


def stop(process):
    """Ends a program and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def read(file):
    """The text of a file, or `None` where there is none."""
    return Path(file).read_text() if Path(file).is_file() else None

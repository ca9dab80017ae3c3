"""The clients' own toolchains, kept in the user's cache so that the next clone finds them.

Each lives in a folder named by the hash of its lock file; a marker inside says that it is whole, so an interrupted
installation is begun again rather than believed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

# Some packages are built from source.
INSTALL_SECONDS_MAX = 1800


def cache_folder():
    """Where Azimuth keeps what may be lost."""
    if "AZIMUTH_CACHE" in os.environ:
        return Path(os.environ["AZIMUTH_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "azimuth"


def python_with(requirements, settings=None):
    """The Python of a virtual environment that has what `requirements` names; `settings` are variables for builds."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with cached("venv", requirements.read_bytes() + version.encode()) as (folder, is_new):
        python = folder / "bin" / "python"
        if is_new:
            install([sys.executable, "-m", "venv", folder])
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            install([*pip, "-r", requirements], settings=settings)
    return python


def node_modules_of(project, step="ci"):
    """The `node_modules` folder for the lock file of `project`.

    `step` is `install` for programs with a binary per platform: a lock file names those that the registry had, and
    `npm ci` refuses one that does not name them all.
    """
    lock = project / "package-lock.json"
    with cached("node", lock.read_bytes()) as (folder, is_new):
        if is_new:
            folder.mkdir(parents=True)
            shutil.copy(project / "package.json", folder)
            shutil.copy(lock, folder)
            install(["npm", step, "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)
    return folder / "node_modules"


def programs_of(project):
    """The folder of the programs that `project` pins, from PyPI or from npm."""
    requirements = project / "requirements.txt"
    if requirements.exists():
        return python_with(requirements).parent
    return node_modules_of(project, "install") / ".bin"


@contextmanager
def cached(name, content):
    """A folder for `content`, and whether it has yet to be filled. One process at a time."""
    folder = cache_folder() / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}"
    marker = folder / ".complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_new = not marker.exists()
        if is_new:
            print(f"preparing {folder}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
        yield folder, is_new
        marker.touch()


def install(command, cwd=None, settings=None):
    """Runs one installation step, which must succeed."""
    subprocess.run(command, cwd=cwd, env={**os.environ, **(settings or {})}, check=True, timeout=INSTALL_SECONDS_MAX)

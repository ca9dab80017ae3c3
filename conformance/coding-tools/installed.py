"""Where the programs of the coding tools are, installed by their pinned versions."""

import subprocess
from functools import cache
from pathlib import Path

import pytest
from harness.toolchains import programs_of

HERE = Path(__file__).resolve().parent

# Why a tool that is in the registry cannot be installed from it alone.
REASONS = {"crush": "its package fetches the program from GitHub while it is installed"}


@cache
def program(folder, name):
    """The program `name` of the tool in `folder`. A tool that cannot be installed is skipped, with the reason."""
    try:
        found = programs_of(HERE / folder) / name
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{folder} could not be installed: {REASONS.get(folder, error)}")
    if not found.exists():
        # Not the network's doing: the package has changed, or the name here is wrong.
        pytest.fail(f"{folder} is installed without its program `{name}`")
    return found

"""Starts and stops one Azimuth for the suites."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

DEMO_UNDER_EVERY_NAME = '[demo]\nanswers_as = ["*"]\n'

READY_SECONDS_MAX = 120
# A little longer than running answers may take to end.
STOP_SECONDS_MAX = 40
COMMAND_SECONDS_MAX = 60
LOG_LINES_SHOWN = 60


class Address(NamedTuple):
    """Where a server listens, and a key it accepts."""

    base_url: str
    api_key: str
    # The program that listens there, if it is ours to start again.
    binary: Path | None = None


class ServerFailed(Exception):
    """Azimuth did not start, or did not live until the end."""


class Azimuth:
    """A running Azimuth with a folder of its own, on a free port.

    Without a `configuration` of its own it runs on the embedded defaults, as `make run` does, but the demo model also
    answers under the name of every documented text model, because that is what clients ask for.
    """

    def __init__(self, binary=None, configuration=DEMO_UNDER_EVERY_NAME):
        self.configuration = configuration
        self.binary = Path(binary) if binary else default_binary()
        self.process = None

    def __enter__(self):
        if not self.binary.is_file():
            raise ServerFailed(f"{self.binary} is not there; build it with `cargo build --package azimuth`")
        self.folder = Path(tempfile.mkdtemp(prefix="azimuth-conformance-"))
        self.log = self.folder / "azimuth.log"
        try:
            return self._start()
        except BaseException:
            self._stop()
            raise

    def __exit__(self, *_exception):
        self._stop()

    def must_be_alive(self):
        """Raises when the program ended while it was being tested."""
        status = self.process.poll()
        if status is not None:
            raise ServerFailed(f"ended with status {status}\n{self._log_tail()}")

    def command(self, *words):
        """What the program answers as JSON to an operator's command, beside the running server."""
        place = ("--data", self.folder / "data", "--config", self.folder / "azimuth.toml")
        command = [self.binary, *words, "--json", *place]
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True, timeout=COMMAND_SECONDS_MAX
        )
        return json.loads(answer.stdout)

    def _start(self):
        ready = self.folder / "ready.json"
        command = [
            self.binary,
            "serve",
            *("--listen", "127.0.0.1:0"),
            *("--data", self.folder / "data"),
            *("--ready-file", ready),
        ]
        file = self.folder / "azimuth.toml"
        file.write_text(self.configuration)
        command += ["--config", file]
        # The settings of whoever runs this are not what is tested.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AZIMUTH_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=environment
            )

        deadline = time.monotonic() + READY_SECONDS_MAX
        while not ready.exists():
            self.must_be_alive()
            if time.monotonic() > deadline:
                raise ServerFailed(f"was not ready after {READY_SECONDS_MAX} s\n{self._log_tail()}")
            time.sleep(0.05)
        return Address(**json.loads(ready.read_text()), binary=self.binary)

    def _stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _log_tail(self):
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_LINES_SHOWN:])


def default_binary():
    """The debug build, in cargo's target folder."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug" / "azimuth"

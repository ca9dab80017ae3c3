"""A foreign engine on this machine: llama-cpp-python's server, running the demo model."""

import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from .server import ROOT, ServerFailed

READY_SECONDS_MAX = 120
MODEL = ROOT / "models" / "azimuth-demo.gguf"


class LlamaServer:
    """A running llama-cpp-python server; `base_url` ends in `/v1`."""

    def __init__(self, python):
        self.python = python

    def __enter__(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.log = Path(tempfile.mkstemp(prefix="llama-server-", suffix=".log")[1])
        command = [self.python, "-m", "llama_cpp.server", "--model", MODEL, "--model_alias", "demo"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", "2048", "--n_threads", "1"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-2000:]
                self.__exit__()
                raise ServerFailed(f"llama-cpp-python's server did not start\n{said}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_exception):
        self.process.kill()
        self.process.wait()
        self.log.unlink(missing_ok=True)

    def _answers(self):
        try:
            with urllib.request.urlopen(self.base_url + "/models", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def configuration(self):
        """What an operator writes to put it behind Azimuth."""
        return f"""
[[engines]]
name = "foreign"
kind = "openai"
base_url = "{self.base_url}"
model = "demo"
raw_output = "b"
context_tokens = 2048

[[models]]
name = "glm-4.7"
engines = ["foreign"]
"""

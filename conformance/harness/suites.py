"""The suites: how each is started, and how its closing lines are read."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .foreign import LlamaServer
from .server import ROOT, Azimuth
from .toolchains import node_modules_of, programs_of, python_with

HERE = ROOT / "conformance"
SUITE_SECONDS_MAX = 600

# The part of the probe that the chat doors must pass whole. Checks that are left out judge media and search, or the
# wisdom of a model's words, which a toy model has none of.
PROBE_ONLY = (
    "auth,router,chat,async_chat,tokenizer,openai.models,openai.chat,openai.stream,openai.stream_include_usage,"
    "openai.extra_body_thinking,openai.tools,openai.stream_tools,openai.error"
)
PROBE_SKIP = "chat.vision,chat.web_search_tool,chat.sees_text"


# The instruction set of Azimuth's own engine, whatever machine builds it.
PORTABLE_LLAMA = (
    "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_OPENMP=OFF -DLLAVA_BUILD=OFF"
)


class Result(NamedTuple):
    """How many tests of a suite passed and failed, and why others were not run."""

    passed: int
    failed: int
    skipped: tuple = ()


class Skipped(NamedTuple):
    """Why a suite was not run."""

    reason: str


def run_suite(name, address):
    """Runs the suite called `name` against `address`; a suite that breaks is a failed test."""
    try:
        return SUITES[name](address)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"FAIL {name}: {error}", flush=True)
        return Result(0, 1)


def zai_sdk(address):
    """The official Python SDK and the OpenAI Python SDK, driven by the wire probe."""
    probe = Path(os.environ.get("AZIMUTH_SHARED", ROOT.parent / "shared")) / "conformance" / "zai_sdk_probe.py"
    if not probe.is_file():
        return Skipped("the wire probe is not beside this clone; set AZIMUTH_SHARED to the folder that has it")
    environment = {
        "BASE_URL": address.base_url,
        "API_KEY": address.api_key,
        "PROBE_ONLY": PROBE_ONLY,
        "PROBE_SKIP": PROBE_SKIP,
    }
    python = python_with(HERE / "requirements.txt")
    status, output = run([python, probe], environment)
    return result(status, output, r"(?m)^(?P<passed>\d+) passed, (?P<failed>\d+) failed$")


def openai_node(address):
    """The OpenAI SDK for JavaScript."""
    return node_tests(HERE / "openai-node", address)


def anthropic_node(address):
    """The Anthropic SDK for TypeScript."""
    return node_tests(HERE / "anthropic-node", address)


def node_tests(project, address):
    """Runs the tests of `project` with Node's own runner."""
    environment = {**client_environment(address), "NODE_PATH": node_modules_of(project)}
    tests = sorted(project.glob("*.test.cjs"))
    status, output = run(["node", "--test", "--test-reporter=spec", *tests], environment)
    return result(status, output, r"(?s)pass (?P<passed>\d+)\n.*fail (?P<failed>\d+)\n")


def anthropic_python(address):
    """The Anthropic SDK for Python."""
    return pytest(python_with(HERE / "requirements.txt"), HERE / "anthropic-python", address)


def langchain(address):
    """LangChain's OpenAI and Anthropic integrations."""
    return pytest(python_with(HERE / "requirements.txt"), HERE / "langchain", address)


def pytest(python, folder, address, options=(), settings=None):
    """Runs the tests in `folder` against `address`."""
    command = [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *options, folder]
    environment = {**client_environment(address), "PYTHONDONTWRITEBYTECODE": "1", **(settings or {})}
    status, output = run(command, environment)
    closing = re.findall(r"(\d+) (passed|failed|error)", output.rsplit("\n", 2)[-2] if "\n" in output else "")
    counts = {word: int(number) for number, word in closing}
    skipped = tuple(re.findall(r"(?m)^SKIPPED \[\d+\] \S+: (.*)$", output))
    whole = checked(status, counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0))
    return whole._replace(skipped=skipped)


def java(address):
    """The official Java SDK, whose event parser is the strictest of all."""
    for program in ("java", "mvn"):
        if not shutil.which(program):
            return Skipped(f"`{program}` is not installed")
    project = HERE / "java"
    build = Path(tempfile.mkdtemp(prefix="azimuth-conformance-java-"))
    try:
        command = ["mvn", "-B", "-q", "-ntp", f"-Dazimuth.build={build}", "-f", project / "pom.xml", "test"]
        environment = client_environment(address)
        # Without the network first: with everything in the local repository that is faster, and never flaky.
        status, output = run([*command, "-o"], environment, is_quiet=True)
        if status != 0 and "offline" in output:
            status, output = run(command, environment, is_quiet=True)
        if status != 0 and re.search(r"Could not (transfer|find|resolve)|Unknown host", output):
            return Skipped("Maven could not fetch the SDK or a plug-in of its own")
        if status != 0:
            print(output, flush=True)
        return surefire(status, build / "surefire-reports")
    finally:
        shutil.rmtree(build, ignore_errors=True)


def llama_cpp_python(address):
    """A real foreign engine behind an Azimuth of its own."""
    if address.binary is None:
        return Skipped("it needs an Azimuth of its own, and only the address of a running one was given")
    foreign = python_with(HERE / "llama-cpp-python" / "requirements.txt", {"CMAKE_ARGS": PORTABLE_LLAMA})
    python = python_with(HERE / "requirements.txt")
    with LlamaServer(foreign) as host, Azimuth(address.binary, host.configuration()) as front:
        return pytest(python, HERE / "llama-cpp-python", front)


def coding_tools(address):
    """The coding tools themselves, with a scripted model behind an Azimuth of their own."""
    if address.binary is None:
        return Skipped("they need an Azimuth of their own, and only the address of a running one was given")
    python = python_with(HERE / "requirements.txt")
    for project in sorted((HERE / "coding-tools").iterdir()):
        if (project / "package.json").exists() or (project / "requirements.txt").exists():
            # Before the clock of the suite runs. What cannot be installed is reported by the tests that need it.
            with suppress(OSError, subprocess.SubprocessError):
                programs_of(project)
    # Two at a time: a tool waits for its own start more than for anything else. Homes are large, and not kept.
    options = ("-n", "2", "--dist", "worksteal", "-o", "tmp_path_retention_policy=none")
    settings = {"AZIMUTH_BINARY": address.binary, "PYTHONPATH": HERE}
    return pytest(python, HERE / "coding-tools", address, options, settings)


def surefire(status, reports):
    """Adds up the summaries that Maven's test runner leaves in `reports`."""
    passed = failed = 0
    for report in reports.glob("*.txt"):
        match = re.search(r"Tests run: (\d+), Failures: (\d+), Errors: (\d+).*", report.read_text())
        print(match[0], flush=True)
        run_count, failures, errors = map(int, match.groups())
        failed += failures + errors
        passed += run_count - failures - errors
    return checked(status, passed, failed)


SUITES = {
    "zai-sdk": zai_sdk,
    "openai-node": openai_node,
    "anthropic-python": anthropic_python,
    "anthropic-node": anthropic_node,
    "langchain": langchain,
    "java": java,
    "llama-cpp-python": llama_cpp_python,
    "coding-tools": coding_tools,
}


def client_environment(address):
    """What our own suites read."""
    return {"AZIMUTH_BASE_URL": address.base_url, "AZIMUTH_API_KEY": address.api_key}


def run(command, environment, is_quiet=False):
    """Runs `command`, showing what it prints unless `is_quiet`; returns its status and its output."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    watchdog = threading.Timer(SUITE_SECONDS_MAX, process.kill)
    watchdog.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if not is_quiet:
                print(line, end="", flush=True)
        return process.wait(), "".join(lines)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def result(status, output, closing):
    """Reads the last match of `closing` in `output`."""
    matches = list(re.finditer(closing, output))
    if not matches:
        return checked(status, 0, 0)
    return checked(status, int(matches[-1]["passed"]), int(matches[-1]["failed"]))


def checked(status, passed, failed):
    """A suite that failed, or ran nothing, has at least one failure."""
    is_broken = status != 0 or passed + failed == 0
    return Result(passed, max(failed, 1) if is_broken else failed)

"""The coding tools: how each is pointed at a server, asked for something, and what it is recognised as."""

import json
from typing import NamedTuple

from desk import RUN_SECONDS_MAX
from installed import program

LARGE = "glm-4.7"
SMALL = "glm-4.5-air"
# The one with the small window.
NARROW = "glm-5-turbo"

CLINE_PROVIDERS = ".cline/data/settings/providers.json"


class Tool(NamedTuple):
    """One way to use a coding tool."""

    name: str
    # `coding` or `anthropic`: whose calls are paid by the plan.
    door: str
    # What usage records call it.
    seen_as: str
    # From a desk, a prompt and a model to how the tool ended.
    ask: object


def claude_code(desk, prompt, model=None, folder="claude-code", flags=(), environment=None):
    """Claude Code, once, without its questions."""
    command = [program(folder, "claude"), "-p", prompt, "--allowedTools", "Write,Bash,Read,Task,Agent", *flags]
    if model:
        command += ["--model", model]
    return desk.run(command, {**claude_environment(desk), **(environment or {})})


def claude_environment(desk, credential="ANTHROPIC_AUTH_TOKEN"):
    desk.write(".claude.json", json.dumps({"hasCompletedOnboarding": True}))
    return {
        "ANTHROPIC_BASE_URL": f"{desk.base_url}/api/anthropic",
        credential: desk.key,
        "API_TIMEOUT_MS": "3000000",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def claude_code_of_the_documentation(desk, prompt, model=None):
    """The version that the plan's documentation names."""
    return claude_code(desk, prompt, model, folder="claude-code-2.0")


def opencode(desk, prompt, model=LARGE, seconds_max=RUN_SECONDS_MAX):
    return run_opencode(desk, opencode_settings(desk), f"zai-coding-plan/{model}", prompt, seconds_max)


def opencode_by_anthropic(desk, prompt, model=LARGE):
    """OpenCode with the Anthropic package of its SDK."""
    provider = {
        "npm": "@ai-sdk/anthropic",
        "options": {"baseURL": f"{desk.base_url}/api/anthropic/v1", "apiKey": desk.key},
        "models": {name: {"name": name} for name in (LARGE, SMALL)},
    }
    settings = opencode_settings(desk) | {"provider": {"azimuth": provider}, "small_model": f"azimuth/{SMALL}"}
    return run_opencode(desk, settings, f"azimuth/{model}", prompt)


def run_opencode(desk, settings, model, prompt, seconds_max=RUN_SECONDS_MAX):
    desk.write(".config/opencode/opencode.json", json.dumps(settings | {"model": model}))
    offline = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    return desk.run([program("opencode", "opencode"), "run", "-m", model, prompt], offline, seconds_max)


def opencode_settings(desk):
    options = {"baseURL": f"{desk.base_url}/api/coding/paas/v4", "apiKey": desk.key}
    return {
        "$schema": "https://opencode.ai/config.json",
        "autoupdate": False,
        "share": "disabled",
        "permission": {"*": "allow"},
        "provider": {"zai-coding-plan": {"options": options}},
        "small_model": f"zai-coding-plan/{SMALL}",
    }


def kilo(desk, prompt, model=LARGE):
    desk.write(".config/kilo/kilo.json", json.dumps(opencode_settings(desk)))
    return desk.run([program("kilo", "kilo"), "run", "--auto", "-m", f"zai-coding-plan/{model}", prompt])


def cline(desk, prompt, model=LARGE):
    address = ("-b", f"{desk.base_url}/api/coding/paas/v4")
    signed_in = desk.run([program("cline", "cline"), "auth", "-p", "openai", "-k", desk.key, "-m", model, *address])
    if signed_in.status != 0:
        return signed_in
    return desk.run([program("cline", "cline"), "-P", "openai-compatible", "-m", model, prompt])


def cline_by_anthropic(desk, prompt, model="claude-sonnet-4-5-20250929"):
    """Cline's `anthropic` provider, which appends `/messages` to the address it was given."""
    signed_in = desk.run([program("cline", "cline"), "auth", "-p", "anthropic", "-k", desk.key, "-m", model])
    if signed_in.status != 0:
        return signed_in
    settings = json.loads((desk.home / CLINE_PROVIDERS).read_text())
    settings["providers"]["anthropic"]["settings"]["baseUrl"] = f"{desk.base_url}/api/anthropic"
    desk.write(CLINE_PROVIDERS, json.dumps(settings))
    return desk.run([program("cline", "cline"), "-P", "anthropic", "-m", model, prompt])


def droid(desk, prompt, model=LARGE, provider="generic-chat-completion-api", address="/api/coding/paas/v4"):
    custom = {
        "displayName": "Azimuth",
        "model": model,
        "baseUrl": desk.base_url + address,
        "apiKey": desk.key,
        "provider": provider,
        "maxOutputTokens": 131072,
    }
    desk.write(".factory/settings.json", json.dumps({"customModels": [custom], "enableTelemetry": False}))
    command = [program("droid", "droid"), "exec", "-m", "custom:Azimuth-0", "--auto", "low", prompt]
    return desk.run(command, {"FACTORY_API_KEY": "fk-nobody", "FACTORY_DROID_AUTO_UPDATE_ENABLED": "false"})


def droid_by_anthropic(desk, prompt, model=LARGE):
    return droid(desk, prompt, model, "anthropic", "/api/anthropic")


def grok_cli(desk, prompt, model=LARGE):
    environment = {"GROK_BASE_URL": f"{desk.base_url}/api/coding/paas/v4", "GROK_API_KEY": desk.key}
    return desk.run([program("grok-cli", "grok"), "-m", model, "-p", prompt], environment)


def crush(desk, prompt, model=LARGE):
    provider = {"id": "zai", "name": "Z.AI", "base_url": f"{desk.base_url}/api/coding/paas/v4", "api_key": desk.key}
    desk.write(".config/crush/crush.json", json.dumps({"providers": {"zai": provider}}))
    return desk.run([program("crush", "crush"), "run", prompt], {"CRUSH_DISABLE_METRICS": "1"})


def aider(desk, prompt, model=f"openai/{LARGE}", environment=None):
    """aider, which works in a git repository and has no tools: it reads edits from the answer's text."""
    desk.write(".gitconfig", "[user]\n\tname = Somebody\n\temail = somebody@example.org\n")
    desk.run(["git", "init", "-q", "-b", "main"])
    keys = {"OPENAI_API_BASE": f"{desk.base_url}/api/coding/paas/v4", "OPENAI_API_KEY": desk.key}
    command = [program("aider", "aider"), "--model", model, "--yes-always", "--no-pretty", "--no-check-update"]
    command += ["--edit-format", "diff", "--no-gitignore"]
    command += ["--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes"]
    return desk.run([*command, "--message", prompt], {**(environment or keys), "LITELLM_LOCAL_MODEL_COST_MAP": "True"})


def aider_by_anthropic(desk, prompt, model="anthropic/claude-sonnet-4-5-20250929"):
    keys = {"ANTHROPIC_API_BASE": f"{desk.base_url}/api/anthropic", "ANTHROPIC_API_KEY": desk.key}
    return aider(desk, prompt, model, keys)


TOOLS = (
    Tool("Claude Code", "anthropic", "Claude Code", claude_code),
    Tool("Claude Code 2.0", "anthropic", "Claude Code", claude_code_of_the_documentation),
    Tool("OpenCode", "coding", "OpenCode", opencode),
    Tool("OpenCode, Anthropic", "anthropic", "OpenCode", opencode_by_anthropic),
    Tool("Kilo Code", "coding", "Kilo Code", kilo),
    Tool("Cline", "coding", "Cline", cline),
    Tool("Cline, Anthropic", "anthropic", "Cline", cline_by_anthropic),
    Tool("Factory Droid", "coding", "Factory Droid", droid),
    Tool("Factory Droid, Anthropic", "anthropic", "Factory Droid", droid_by_anthropic),
    Tool("Grok CLI", "coding", "Grok CLI", grok_cli),
    Tool("Crush", "coding", "Crush", crush),
    Tool("aider", "coding", "aider", aider),
    Tool("aider, Anthropic", "anthropic", "aider", aider_by_anthropic),
)

"""What the scripted model says next: a coding model's part, played from a text.

The task stands in the user's words, so that it travels through whatever a coding tool wraps around them:

    Scripted task: write `/w/a.txt` with `amber` and run `ls /w`, then run `cat /w/a.txt`, then tell me what it says.

A turn lies between two `then`s, and has as many calls as there are steps. Which tool of the client's a step calls, and
how its arguments are spelled, is read from the tools the client offers. Nothing is remembered: what was done is counted
in the conversation, as a model would see it. With every turn the model says what is left, so that whatever part of the
conversation it is asked to sum up, the task can go on after it.
"""

import json
import re
from typing import NamedTuple

TASK = re.compile(r"Scripted task: ([^\n\\]+)")
LEFT = re.compile(r"(?:Scripted task|After that): ([^\n\\]+)")
STEP = re.compile(r"(write|run|read|delegate) `([^`]*)`(?: with `([^`]*)`)?")

# Words by which the tools ask for a summary of what was said so far.
ASKS_FOR_SUMMARY = re.compile(r"(?i)(create|produce|provide|write) an? (\w+ )?(summary|prompt)|summarization agent")

WRITERS = ("Write", "write", "Create", "create_file", "write_to_file", "editor")
RUNNERS = ("Bash", "bash", "Execute", "run_commands", "execute_command")
READERS = ("Read", "read", "view_file", "read_files", "view")
DELEGATES = ("Agent", "Task", "task")

PATHS = ("file_path", "filePath", "path")
TEXTS = ("content", "new_text", "file_text")


class Call(NamedTuple):
    """One call of a client's tool."""

    name: str
    arguments: dict


class Turn(NamedTuple):
    """What the model says in one answer."""

    text: str
    calls: tuple = ()
    reasoning: str = "Let me see what is to be done next."


def next_turn(body):
    """The model's next turn in the conversation of `body`, a chat completion request."""
    messages = body["messages"]
    tools = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in body.get("tools") or []}
    system = "\n".join(text_of(message) for message in messages if message["role"] == "system")

    form = body.get("response_format") or {}
    if form.get("type") in ("json_object", "json_schema"):
        return Turn(json.dumps(filled(schema_of(form, system), {"title": "Scripted title"})))

    if asks_for_summary(messages):
        said = "\n".join(text_of(message) for message in messages if message["role"] != "system")
        left = LEFT.findall(said) or ["tell me what it says"]
        return Turn(f"<summary>\nSome of what the user asked for is done.\nScripted task: {left[-1]}\n</summary>")
    task, turns, done, after = progress(messages)
    if task and "SEARCH/REPLACE" in system:
        return Turn(edit_blocks(turns))
    if not tools:
        words = system.lower()
        if "commit message" in words:
            return Turn("feat: add what the scripted task asked for")
        return Turn("Scripted title" if "title" in words else "A scripted answer.")

    forced = forced_tool(body)
    if forced in tools:
        return Turn("", (Call(forced, filled(tools[forced], {})),))
    if task and done < len(turns):
        calls = tuple(call for step in STEP.findall(turns[done]) if (call := call_of(step, tools)))
        if calls:
            left = ", then ".join(turns[done + 1 :])
            return Turn("I will use a tool now." + (f"\nAfter that: {left}" if left else ""), calls)
    if "StructuredOutput" in tools and not was_called("StructuredOutput", after):
        return Turn("", (Call("StructuredOutput", filled(tools["StructuredOutput"], {})),))
    results = [text_of(message) for message in after if message["role"] == "tool"]
    if results:
        return Turn("It says: " + results[-1].strip()[:400])
    return Turn("Hello from the scripted model.")


def progress(messages):
    """The task that was given last, its turns, how many of them are done, and the messages after it."""
    for place in range(len(messages) - 1, -1, -1):
        # A summary of the model's own gives a task too.
        found = TASK.findall(text_of(messages[place])) if messages[place]["role"] in ("user", "assistant") else []
        if found:
            after = messages[place + 1 :]
            done = sum(1 for message in after if message.get("tool_calls"))
            return found[-1], re.split(r",? then ", found[-1]), done, after
    return None, [], 0, messages


def asks_for_summary(messages):
    """Whether this is a call of the tool's own, which wants the conversation summed up."""
    first, last = text_of(messages[0]), messages[-1]
    by_its_role = messages[0]["role"] == "system" and ASKS_FOR_SUMMARY.search(first[:200])
    return bool(by_its_role or last["role"] == "user" and ASKS_FOR_SUMMARY.search(text_of(last)))


def forced_tool(body):
    choice = body.get("tool_choice")
    return choice["function"]["name"] if isinstance(choice, dict) else None


def was_called(name, messages):
    return any(call["function"]["name"] == name for message in messages for call in message.get("tool_calls") or [])


def call_of(step, tools):
    """The call that does `step` with what the client offers; `None` if it offers nothing for it."""
    verb, first, second = step
    names = {"write": WRITERS, "run": RUNNERS, "read": READERS, "delegate": DELEGATES}[verb]
    name = next((name for name in names if name in tools), None)
    if name is None:
        return None
    known = {"description": "A step of the task", "summary": "Run the scripted command"}
    if verb == "delegate":
        known["prompt"] = f"Scripted task: run `{first}`, then tell me what it says."
        known["subagent_type"] = "general-purpose"
    elif verb == "run":
        known |= {"command": first, "commands": [first]}
    else:
        known |= {name: first for name in PATHS} | {name: second for name in TEXTS} | {"files": [{"path": first}]}
    return Call(name, filled(tools[name], known))


def filled(schema, known):
    """A value of `schema`: what is required, by `known` where it names a property, else the least that fits."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return filled(options[0], known)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {
            name: known[name] if name in known else filled(properties.get(name, {}), known)
            for name in schema.get("required", [])
        }
    return {
        "array": [],
        "boolean": False,
        "integer": schema.get("minimum", 1),
        "number": schema.get("minimum", 1),
        "null": None,
    }.get(kind, "scripted")


def schema_of(form, system):
    """The schema an answer must fit: of the form itself, or written into the prompt by a gateway."""
    if form["type"] == "json_schema":
        return form["json_schema"]["schema"]
    titled = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    found = re.search(r"\{.*\"properties\".*\}", system)
    try:
        return json.loads(found[0]) if found else titled
    except json.JSONDecodeError:
        return titled


def edit_blocks(turns):
    """aider's form of an answer: a block per file to be written, by its name in the repository."""
    blocks = []
    for verb, path, text in STEP.findall(" ".join(turns)):
        if verb == "write":
            name = path.rsplit("/", 1)[-1]
            blocks.append(f"{name}\n```\n<<<<<<< SEARCH\n=======\n{text}\n>>>>>>> REPLACE\n```\n")
    return "Here is the change:\n\n" + "\n".join(blocks)


def text_of(message):
    """The text of a message, whether it came as a string or in parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text") or "" for part in content)

"""A host on this machine whose model is scripted: it plays the part of a coding model for the tools' tests.

It speaks the dialect of hosts that serve GLM (streams with `reasoning_content`, calls of tools in pieces, usage with
cached tokens, refusals of overlong prompts in vLLM's words), and what it says is decided in `scripted_turns`. Azimuth
reaches it as it would reach any host.
"""

import hashlib
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .scripted_turns import next_turn, text_of

# The name of a model whose window is small, so that conversations outgrow it.
SMALL = "scripted-small"
WINDOW_TOKENS = {SMALL: 8_000}
PIECE_CHARS = 24
REQUESTS_KEPT = 1000


class ScriptedModel:
    """A running host.

    `base_url` ends in `/v1`, `requests` holds the bodies that came, and `overlong` says how many were refused.
    """

    def __enter__(self):
        self.requests = []
        self.overlong = 0
        self.prefixes = set()
        self.numbers = itertools.count(1)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self.server.shutdown()
        self.server.server_close()

    def configuration(self):
        """What an operator writes to put it behind Azimuth, under the names of the plans' models."""
        return f"""
[[engines]]
name = "scripted"
kind = "openai"
base_url = "{self.base_url}"
model = "scripted"
tokenizer = "vllm"

[[engines]]
name = "scripted-small"
kind = "openai"
base_url = "{self.base_url}"
model = "{SMALL}"
tokenizer = "vllm"

[[models]]
name = "glm-4.7"
engines = ["scripted"]

[[models]]
name = "glm-4.5-air"
engines = ["scripted"]

[[models]]
name = "glm-5-turbo"
engines = ["scripted-small"]
"""

    def cached_tokens(self, messages):
        """The tokens of the longest run of first messages that an earlier prompt began with too."""
        digest, cached, tokens = hashlib.sha256(), 0, 0
        for message in messages:
            digest.update(json.dumps(message, sort_keys=True).encode())
            tokens += tokens_of(message)
            if digest.digest() in self.prefixes:
                cached = tokens
            self.prefixes.add(digest.digest())
        return cached


def handler_of(model):
    """The class that answers the requests of `model`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.answer(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/tokenize"):
                return self.answer(200, {"count": prompt_tokens(body), "max_model_len": 200_000, "tokens": []})
            model.requests.append(body)
            del model.requests[:-REQUESTS_KEPT]

            window, said = WINDOW_TOKENS.get(body["model"]), sum(map(tokens_of, conversation(body)))
            if window and said > window:
                model.overlong += 1
                message = (
                    f"This model's maximum context length is {window} tokens. "
                    f"However, your request has {said} input tokens. Please reduce the length of the input messages."
                )
                return self.answer(400, {"error": {"message": message, "type": "BadRequestError", "code": 400}})
            return self.stream(body)

        def stream(self, body):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for event in events(body, next_turn(body), next(model.numbers), model.cached_tokens(body["messages"])):
                    data = f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                # The tool was stopped, and so was this answer.
                self.close_connection = True

        def answer(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments):
            """Says nothing: the tools' own output is what is read."""

    return Handler


def events(body, turn, number, cached):
    """The pieces of an answer, as GLM's hosts stream them."""
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": int(time.time())}
    head["model"] = body["model"]

    def piece(finish=None, **delta):
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield piece(role="assistant", content="")
    for text in pieces(turn.reasoning if thinks(body) else ""):
        yield piece(reasoning_content=text)
    for text in pieces(turn.text):
        yield piece(content=text)
    for index, call in enumerate(turn.calls):
        begun = {"type": "function", "function": {"name": call.name, "arguments": ""}}
        yield piece(tool_calls=[{"index": index, "id": f"call_{number}_{index}", **begun}])
        for text in pieces(json.dumps(call.arguments)):
            yield piece(tool_calls=[{"index": index, "function": {"arguments": text}}])
    yield piece(finish="tool_calls" if turn.calls else "stop")
    if (body.get("stream_options") or {}).get("include_usage"):
        prompt = prompt_tokens(body)
        answer = sum(len(text) for text in (turn.reasoning, turn.text, json.dumps(turn.calls))) // 4 + 1
        yield {
            **head,
            "choices": [],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": answer,
                "total_tokens": prompt + answer,
                "prompt_tokens_details": {"cached_tokens": min(cached, prompt - 1)},
            },
        }
    yield "[DONE]"


def thinks(body):
    return (body.get("chat_template_kwargs") or {}).get("enable_thinking", True)


def conversation(body):
    """What counts against a small window: not the tools' own words, which differ in length from tool to tool."""
    return [message for message in body["messages"] if message["role"] != "system"]


def prompt_tokens(body):
    return sum(map(tokens_of, body["messages"])) + len(json.dumps(body.get("tools") or [])) // 4


def tokens_of(message):
    return (len(text_of(message)) + len(json.dumps(message.get("tool_calls") or ""))) // 4 + 4


def pieces(text):
    return [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]

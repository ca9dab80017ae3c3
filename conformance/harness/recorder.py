"""A relay that writes down what a client sends to a server, for new recordings.

The tests do not pass through it: it is for the person who looks at what a new version of a client sends.
"""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ANSWER_BYTES_KEPT = 4096
# Said once per connection, and not passed on.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection"}


class Recorder:
    """A running relay in front of `target`; `requests` holds what came, in order, and how it was answered."""

    def __init__(self, target):
        self.target = urlsplit(target)

    def __enter__(self):
        self.requests = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self.server.shutdown()
        self.server.server_close()


def handler_of(recorder):
    """The class that passes requests on for `recorder`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            written = {
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers.items()),
                "raw": body.decode(errors="replace"),
                "status": 0,
                "answer": "",
            }
            recorder.requests.append(written)
            connection = http.client.HTTPConnection(recorder.target.hostname, recorder.target.port, timeout=600)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                connection.request(self.command, self.path, body, headers)
                self.pass_back(connection.getresponse(), written)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                connection.close()

        do_GET = do_HEAD = do_POST = do_OPTIONS = do_DELETE = relay

        def pass_back(self, response, written):
            written["status"] = response.status
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                if name.lower() not in HOP_BY_HOP | {"content-length"}:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            while piece := response.read1(65536):
                if len(written["answer"]) < ANSWER_BYTES_KEPT:
                    written["answer"] += piece.decode(errors="replace")
                self.wfile.write(piece)
                self.wfile.flush()

        def log_message(self, *_arguments):
            """Says nothing: what came is in `requests`."""

    return Handler

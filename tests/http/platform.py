"""A fake provincial platform, or webhook receiver: a real HTTP server on loopback that remembers what it was sent."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Platform:
    """Answers every POST with ``reply`` after ``delay`` seconds; ``received`` holds (path, body)."""

    def __init__(self, reply=None, *, delay=0.0, status=200):
        self.reply = reply if reply is not None else {"infcode": 0, "err_msg": None, "output": {"result": []}}
        self.delay = delay
        self.status = status
        self.received = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/{{infno}}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                platform.received.append((self.path, json.loads(body)))
                time.sleep(platform.delay)
                content = json.dumps(platform.reply).encode()
                self.send_response(platform.status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        return Handler

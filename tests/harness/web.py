# SPDX-License-Identifier: BSD-2-Clause
"""A web server on the host, for guests that fetch what they boot. It hands out what it was given and
remembers who asked for what."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST_SEEN_BY_GUESTS = "10.0.2.2"        # of QEMU's user network: this host's loopback


class Web:
    """Serves `pages`, bytes by path, on a port of the loopback while its context lasts."""

    def __init__(self, pages):
        self.pages = pages
        self.log = []                   # (path, status, bytes sent in full), as the answers ended
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def url(self, path):
        return f"http://{HOST_SEEN_BY_GUESTS}:{self.server.server_port}{path}"

    def sent(self, path):
        """Whether somebody got all of that page."""
        return (path, 200, len(self.pages[path])) in self.log

    def _handler(self):
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                page = web.pages.get(self.path)
                status = 200 if page is not None else 404
                self.send_response(status)
                self.send_header("Content-Length", str(len(page or b"")))
                self.end_headers()
                self.wfile.write(page or b"")
                web.log.append((self.path, status, len(page or b"")))

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

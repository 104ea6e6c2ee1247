"""A server on this machine for the site that runs exported nets in the browser."""

import functools
import http.server
import os
import re
import sys
import threading
import urllib.parse
from http import HTTPStatus
from pathlib import Path

from zoo.errors import ZooError
from zoo.export.site import INDEX

_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# The first two let nets run on several threads: browsers share memory with isolated pages only.
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Accept-Ranges": "bytes",
}
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
_OWN_NAMES = {"localhost", "127.0.0.1", "[::1]"}
_PATIENCE, _AT_ONCE = 20, 64  # seconds that a connection may stall; connections
_PIECE = 2**16  # bytes


def server(folder, port: int = 8000) -> http.server.ThreadingHTTPServer:
    """A server for a site, to this machine only; the caller runs and closes it.

    It gives the files that lie in the folder, whole or a range of bytes, to pages of its own: no
    links, no listings, and nothing to a page that reaches it by another name.

    Args:
        folder: that `zoo.export.site.build` wrote.
        port: 0 for any that is free.

    Raises:
        ZooError: the folder is no such site; the port is taken.
    """
    if not (Path(folder) / INDEX).is_file():
        raise ZooError(f"{folder} is no site: it holds no {INDEX}; build it first")
    handler = functools.partial(_Handler, directory=os.path.realpath(folder))
    try:
        return _Server(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise ZooError(f"port {port} cannot be used: {error}; choose another") from error


def serve(folder, port: int = 8000) -> None:
    """Serves a site until it is interrupted.

    Raises:
        ZooError: as `server`.
    """
    with server(folder, port) as running:
        print(f"Open http://localhost:{running.server_port}/ (Ctrl+C stops it)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")


class _Server(http.server.ThreadingHTTPServer):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def process_request(self, request, client_address):
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request, client_address):
        # a page that was left while loading, or that reads no further
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(http.server.SimpleHTTPRequestHandler):
    # In place of the machine's own table of types, which may call JavaScript plain text.
    extensions_map = {"": "application/octet-stream"} | _TYPES
    timeout = _PATIENCE

    def send_head(self):
        if not self._is_own_name():
            return self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "Open http://localhost")
        path = self._file()
        if path is None:
            return self.send_error(HTTPStatus.NOT_FOUND)
        limits = re.fullmatch(
            r"bytes=(\d{0,18})-(\d{0,18})", self.headers.get("Range", ""), re.ASCII
        )
        # none, or several; or of a file that may be another by now
        if limits is None or not any(limits.groups()) or "If-Range" in self.headers:
            return super().send_head()
        return self._send_range(path, *limits.groups())

    def copyfile(self, source, outputfile):
        left = getattr(self, "_left", None)
        if left is None:
            return super().copyfile(source, outputfile)
        while left and (piece := source.read(min(left, _PIECE))):
            outputfile.write(piece)
            left -= len(piece)

    def end_headers(self):
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_):
        pass

    def _is_own_name(self) -> bool:
        """Whether the page knows this server by its own name: another site's name may lead here."""
        host = self.headers.get("Host")
        return host is None or re.sub(r":\d*$", "", host.strip()).lower() in _OWN_NAMES

    def _file(self) -> str | None:
        """The file that is asked for, if it lies in the folder itself."""
        path = urllib.parse.unquote(self.path.partition("?")[0].partition("#")[0], errors="replace")
        parts = path.split("/")[1:]
        parts[-1:] = ["index.html"] if parts == [""] else parts[-1:]
        if not set(parts).isdisjoint({"", ".", ".."}) or set(path) & set("\0\\:"):
            return None
        found = os.path.join(self.directory, *parts)
        return found if os.path.realpath(found) == found and os.path.isfile(found) else None

    def _send_range(self, path: str, first: str, last: str):
        size = os.path.getsize(path)
        begin = int(first) if first else max(0, size - int(last))
        end = min(int(last), size - 1) if first and last else size - 1
        if begin > end:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        file = open(path, "rb")  # noqa: SIM115  whoever called closes it
        file.seek(begin)
        self._left = end - begin + 1
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {begin}-{end}/{size}")
        self.send_header("Content-Length", str(self._left))
        self.end_headers()
        return file

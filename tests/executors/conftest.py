"""A loopback HTTP server for download tests: ranges, dropped connections, refusals."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import pytest

_CHUNK: Final = 16_384


class RangeServer:
    """Serves `files` by name and keeps what was asked in `asked` as (name, first byte)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, int]] = []
        self.ranges = True
        self.drop_after: int | None = None
        self.status = 200
        self.delay = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self) -> RangeServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def add(self, name: str, data: bytes) -> tuple[str, str]:
        """Serve `data`; returns its address and its sha256."""
        self.files[name] = data
        return f"http://127.0.0.1:{self._http.server_port}/{name}", hashlib.sha256(data).hexdigest()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One GET, with this server's faults."""
        name = request.path.lstrip("/")
        data = self.files[name]
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(found[1]) if found and self.ranges else 0
        self.asked.append((name, start))
        if self.status != 200:
            request.send_error(self.status)
        elif start and start >= len(data):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(data)}")
            request.end_headers()
        else:
            self._send(request, data, start)

    def _send(self, request: BaseHTTPRequestHandler, data: bytes, start: int) -> None:
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        end = len(data)
        if self.drop_after is not None:
            end, self.drop_after = min(end, start + self.drop_after), None
        try:
            for at in range(start, end, _CHUNK):
                request.wfile.write(data[at : min(at + _CHUNK, end)])
                time.sleep(self.delay)
        except ConnectionError:  # the client was killed, which is the point of some tests
            request.close_connection = True


@pytest.fixture
def server() -> Iterator[RangeServer]:
    """A running server, gone after the test."""
    with RangeServer() as server:
        yield server

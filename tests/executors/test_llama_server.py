"""The loopback listener of the embedded engine when it does not answer as it should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors import llama_server
from graphdsl.executors.llama_server import LlamaServer

Listen = Callable[[bytes | None], LlamaServer]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """A server whose listener answers every request with these bytes; None: not at all."""
    monkeypatch.setattr(llama_server, "_PATIENCE", 0.05)
    ending = threading.Event()
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)

    def serve(answer: bytes | None) -> None:
        held: list[socket.socket] = []
        while not ending.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            held.append(connection)
            if answer is not None:
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(answer)
                connection.close()
        for connection in held:
            connection.close()

    def listening(answer: bytes | None) -> LlamaServer:
        threads.append(threading.Thread(target=serve, args=(answer,)))
        threads[-1].start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return LlamaServer(SimpleNamespace(listening_address=address), "key", "tiny")

    with closing(listener):
        yield listening
        ending.set()
        for thread in threads:
            thread.join()


WRONG = [None, b"", b"HTTP/1.1 200 OK\r\n\r\nno json", b"what?\r\n\r\n"]


@pytest.mark.parametrize("answer", WRONG)
def test_a_listener_that_does_not_answer_is_a_failure_of_the_model_and_tried_again(
    listen: Listen, answer: bytes | None
) -> None:
    server = listen(answer)
    with pytest.raises(BackendError, match="the server of `tiny` in this process") as caught:
        server.render([{"role": "user", "content": "?"}])
    assert caught.value.retryable
    assert caught.value.model == "tiny"


@pytest.mark.parametrize("answer", WRONG)
def test_states_that_cannot_be_written_or_read_are_done_without(
    listen: Listen, answer: bytes | None
) -> None:
    server = listen(answer)
    assert server.save(0, "0.state") == 0
    assert server.load(0, "0.state") is False


def test_an_answer_is_read(listen: Listen) -> None:
    assert listen(b'HTTP/1.1 200 OK\r\n\r\n{"n_written": 7, "n_restored": 3}').save(0, "x") == 7

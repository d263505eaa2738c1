"""Serves a sandbox application on a real socket in a thread of this process, so coverage sees it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sandbox.listener import App, Listener
from tests.sandbox.awsclients import Stage

Serve = Callable[..., str]


@contextlib.contextmanager
def serving() -> Iterator[Serve]:
    """What the fixture `serve` is, for as long as its context."""
    running: list[tuple[Listener, threading.Thread]] = []

    def begin(app: App, beside: Callable[[Listener], Awaitable[None]] | None = None) -> str:
        ready = threading.Event()
        listener = Listener(app, ready.set, (lambda: beside(listener)) if beside else None)
        thread = threading.Thread(target=listener.run)
        thread.start()
        running.append((listener, thread))
        assert ready.wait(60)
        return f"http://127.0.0.1:{listener.port}"

    yield begin
    for listener, thread in running:
        listener.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(app)`` gives the base URL; ``serve(app, lambda listener: coroutine)`` runs something beside it."""
    with serving() as begin:
        yield begin


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One address for all tests of a module; each puts its own `Aws` there. Closing a listener takes 0.2 s."""
    with serving() as begin:
        stage = Stage()
        stage.url = begin(asgi(stage.answer))
        yield stage

"""uvicorn on a loopback port that the system gave, whose listening socket can be closed and opened again.

Closing it is how connections are refused in earnest. It must never lose the port: a second socket stays bound to it
without listening, so no other process, and no client's own connection, can be given the number meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn

_BACKLOG = 2048
#: Longer than any pause between phases' requests that should not cost a new connection.
_KEEP_ALIVE_S = 75

App = Callable[[Any, Any, Any], Awaitable[None]]


class Listener(uvicorn.Server):
    """Serves ``app`` until the process ends. ``on_ready`` is called once it listens; ``port`` is known before."""

    def __init__(self, app: App, on_ready: Callable[[], None], background: Callable[[], Awaitable[None]] | None = None):
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                interface="asgi3",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                backlog=_BACKLOG,
            )
        )
        self._on_ready = on_ready
        self._background = background
        self._task: asyncio.Task[None] | None = None
        self._reserved = self._bound(0)
        self.port: int = self._reserved.getsockname()[1]
        self._listening: asyncio.AbstractServer | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start without uvicorn's own sockets, then listen on ours."""
        await super().startup(sockets=[])
        await self.open()
        if self._background is not None:
            self._task = asyncio.ensure_future(self._background())
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: this process ends with its stdin, and only so."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving, where an owner in this process set ``should_exit``."""
        if self._task is not None:
            self._task.cancel()
        self.close()
        self._reserved.close()
        await super().shutdown(sockets=[])

    async def open(self) -> None:
        """Listen, if we do not."""
        if self._listening is None:
            # On Linux the reserving socket and the listening one share the port; elsewhere only one may have it.
            sock = self._bound(self.port) if sys.platform == "linux" else self._reserved
            self._listening = await asyncio.get_running_loop().create_server(
                self._protocol, sock=sock, backlog=_BACKLOG
            )

    def close(self) -> None:
        """Refuse connections from now on; those that are open live on."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            if sys.platform != "linux":
                self._reserved = self._bound(self.port)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state={}
        )
        return made

    @staticmethod
    def _bound(port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by accepted sockets: an answer must not wait for the client's delayed ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(("127.0.0.1", port))
        return sock

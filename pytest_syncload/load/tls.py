"""TLS between a socket and a `Connection`: OpenSSL works in memory, asyncio carries the records.

Asyncio's own TLS, and uvloop's, pay for each read and write with buffers, flow control and a state machine that a
connection with one small request at a time has no use for: a third of such a request's CPU (benchmarks/engine).
What TLS proves is untouched: the context verifies the peer as it would there.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from pytest_syncload.load.connection import Connection

#: OpenSSL gives one record at a time, of 16 KB at most (RFC 8446, section 5.1).
_RECORD_BYTES = 1 << 14


class Tls(asyncio.BufferedProtocol):
    """Carries ``connection`` over a socket. It is the connection's stream, and the socket's protocol.

    ``ready`` comes to None when the peer is verified, and to an OSError, `ssl.SSLError` among them, where it is not. It
    is a value and not raised in here: a traceback would hold OpenSSL's memory, and nobody collects cycles during a
    phase.
    """

    def __init__(self, connection: Connection, context: ssl.SSLContext, host: str, buffer: memoryview) -> None:
        self.ready: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
        self._connection = connection
        self._buffer = buffer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._records = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._socket: asyncio.Transport | None = None
        self._open = False  # the handshake is over, and well
        self._unwritten = b""

    # The connection's stream.

    def write(self, data: bytes) -> None:
        """Encrypt and send it; what cannot be encrypted now, because the peer changes its keys, goes out later."""
        if not self._unwritten:
            try:
                taken = self._records.write(data)
            except ssl.SSLError:
                taken = 0  # `_write` meets it again, and says what it is
            if taken == len(data) and self._socket is not None:  # nearly always: this is the hot path
                self._socket.write(self._outgoing.read())
                return
            data = data[taken:]
        self._unwritten += data
        self._write()

    def abort(self) -> None:
        """Close now, without a word: whoever aborts has nothing more to read."""
        if self._socket is not None:
            self._socket.abort()

    def is_closing(self) -> bool:
        """Whether it can carry nothing more."""
        return self._socket is None or self._socket.is_closing()

    def get_write_buffer_size(self) -> int:
        """Bytes, partly encrypted, that the system has not taken yet."""
        return len(self._unwritten) + (0 if self._socket is None else self._socket.get_write_buffer_size())

    # What asyncio tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected; the handshake begins."""
        # A cast: uvloop's transports have asyncio's methods without being its subclasses.
        self._socket = cast(asyncio.Transport, transport)
        self._shake_hands()

    def pause_writing(self) -> None:
        """The peer does not take what we write."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._connection.resume_writing()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Records, or pieces of them."""
        self._incoming.write(self._buffer[:nbytes])
        if self._open:
            self._read()
        elif not self.ready.done():
            self._shake_hands()

    def eof_received(self) -> bool:
        """The end of the stream, which is an answer's only if the peer said so within TLS (RFC 9112, section 9.8).

        Where it did, that was read and told before. OpenSSL is not asked: with SSL_OP_IGNORE_UNEXPECTED_EOF, which
        some distributions' Python sets, it takes any end for the peer's word.
        """
        self._cut_off()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The end."""
        try:
            self._cut_off(error)
            self._connection.lost(error)
        finally:
            self._socket = None
            del self._records  # it holds OpenSSL's memory

    def _cut_off(self, error: Exception | None = None) -> None:
        """Tell that the stream has ended, and that nobody said so within TLS. Does nothing where that is told."""
        cut = error or ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed without a closure alert")
        if self._open:
            self._connection.ended(cut)
        else:
            self._refuse(cut if isinstance(cut, OSError) else ConnectionResetError("closed in the TLS handshake"))

    def _shake_hands(self) -> None:
        try:
            self._records.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the peer why
            self._refuse(error)
        else:
            self._flush()
            self._open = True
            self._connection.opened(self)
            if not self.ready.done():
                self.ready.set_result(None)
            self._read()

    def _refuse(self, error: OSError) -> None:
        if not self.ready.done():
            self.ready.set_result(error.with_traceback(None))
        self.abort()

    def _read(self) -> None:
        """Give the connection what can be read, then the end of it where that has come."""
        try:
            while self._incoming.pending or self._records.pending():
                data = self._records.read(_RECORD_BYTES)
                if not data:
                    self._connection.ended(None)
                    return
                self._connection.take(data)
                if self.is_closing():
                    return
        except ssl.SSLWantReadError:
            pass  # the rest of a record is to come
        except ssl.SSLError as error:
            self._connection.ended(error)
            return
        # Keys that the peer wanted changed are answered, and what waited for it goes out.
        if self._outgoing.pending or self._unwritten:
            self._write()

    def _write(self) -> None:
        unwritten, taken = memoryview(self._unwritten), 0
        try:
            while taken < len(unwritten):
                taken += self._records.write(unwritten[taken:])
        except ssl.SSLWantReadError:
            pass  # the peer changes its keys; what is left goes out once it has
        except ssl.SSLError as error:
            self._connection.ended(error)
            return
        self._unwritten = bytes(unwritten[taken:])
        self._flush()

    def _flush(self) -> None:
        if self._socket is not None and self._outgoing.pending:
            self._socket.write(self._outgoing.read())

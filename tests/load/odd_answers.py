"""The catalogue of odd answers that are whole: the bytes as sent, and what a correct client makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_syncload.load.connection import Failure
from tests.load.scripted import OK, End, Step

LENGTH = b"Content-Length: 2\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``kept``: whether the connection may carry another request. ``as_httpx``: whether plain httpx reads the same."""

    name: str
    steps: tuple[Step, ...]
    status: int = 200
    body: bytes = b"ok"
    failure: Failure | None = None
    detail: str = ""
    kept: bool = False
    head: bool = False
    as_httpx: bool = True

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def head(fields: bytes = LENGTH, status: bytes = b"200 OK", version: bytes = b"HTTP/1.1") -> bytes:
    """A status line and fields."""
    return version + b" " + status + b"\r\n" + fields + b"\r\n"


def kept(name: str, *steps: Step, status: int = 200, body: bytes = b"ok", head: bool = False) -> Case:
    """Whole, and the connection may carry another."""
    return Case(name=name, steps=steps, status=status, body=body, head=head, kept=True)


def last(name: str, *steps: Step, status: int = 200, body: bytes = b"ok", head: bool = False) -> Case:
    """Whole, and the connection's last."""
    return Case(name=name, steps=steps, status=status, body=body, head=head)


def unlike_httpx(case: Case) -> Case:
    """Plain httpx reads it otherwise: h11 writes the coding in small letters, and counts the digits of numbers."""
    return Case(name=case.name, steps=case.steps, body=case.body, kept=case.kept, as_httpx=False)


def fields(*lines: bytes) -> bytes:
    """An answer with these header lines before its length."""
    return head(b"".join(line + b"\r\n" for line in lines) + LENGTH) + b"ok"


LENGTHS = (
    kept("content length", OK),
    kept("no body", head(b"Content-Length: 0\r\n"), body=b""),
    kept("head and body apart", OK[:-2], OK[-2:]),
    kept("every byte alone", *(OK[at : at + 1] for at in range(len(OK)))),
    kept("length with leading zeros", head(b"Content-Length: 0002\r\n") + b"ok"),
    unlike_httpx(kept("length of 5001 digits", head(b"Content-Length: " + b"0" * 5000 + b"2\r\n") + b"ok")),
    kept("length with white space around", head(b"Content-Length: \t 2 \t\r\n") + b"ok"),
    kept("length without a space", head(b"Content-Length:2\r\n") + b"ok"),
    kept("length in capitals", head(b"CONTENT-LENGTH: 2\r\n") + b"ok"),
    kept("body of line ends", head(b"Content-Length: 4\r\n") + b"\r\n\r\n", body=b"\r\n\r\n"),
    kept("body that ends in a line end", head(b"Content-Length: 3\r\n") + b"ok\n", body=b"ok\n"),
    kept("body of a line end, cut in the blank line", head()[:-2], b"\r\n\n", b"\n", body=b"\n\n"),
    kept("body that looks like an answer", head(b"Content-Length: 40\r\n") + OK, body=OK),
    kept("body of every byte", head(b"Content-Length: 256\r\n") + bytes(range(256)), body=bytes(range(256))),
    kept("half a megabyte", head(b"Content-Length: 524288\r\n") + bytes(1 << 19), body=bytes(1 << 19)),
    last("until close", head(b"") + b"o", b"k", End.CLOSE),
    last("until half close", head(b"") + b"ok", End.HALF_CLOSE),
    last("nothing until close", head(b""), End.CLOSE, body=b""),
    last("until close, with line ends", head(b"") + b"\r\n\r\n", End.CLOSE, body=b"\r\n\r\n"),
    last("205 without length until close", head(b"", b"205 Reset Content"), End.CLOSE, status=205, body=b""),
    kept("205 with length", head(b"Content-Length: 0\r\n", b"205 Reset Content"), status=205, body=b""),
    last("reset after a whole answer", OK, End.RESET),
    last("closed after a whole answer", OK, End.CLOSE),
    last("half closed after a whole answer", OK, End.HALF_CLOSE),
)

CHUNKS = (
    kept("chunked", CHUNKED + b"2\r\nok\r\n0\r\n\r\n"),
    kept("chunked, each byte alone", *(bytes([byte]) for byte in CHUNKED + b"2\r\nok\r\n0\r\n\r\n")),
    kept("chunked in two", CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"),
    kept("nothing but the last chunk", CHUNKED + b"0\r\n\r\n", body=b""),
    kept("chunk extension without value", CHUNKED + b"2;a\r\nok\r\n0\r\n\r\n"),
    kept("chunk extension with value", CHUNKED + b"2;a=b;c=d\r\nok\r\n0\r\n\r\n"),
    kept("chunk extension in quotes", CHUNKED + b'2;a="b;\tc"\r\nok\r\n0\r\n\r\n'),
    kept("extension of the last chunk", CHUNKED + b"2\r\nok\r\n0;last\r\n\r\n"),
    kept("chunk extension of 4 kB", CHUNKED + b"2;a=" + b"b" * 4096 + b"\r\nok\r\n0\r\n\r\n"),
    kept("chunk size in capitals", CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", body=b"0123456789"),
    kept("chunk size in small letters", CHUNKED + b"a\r\n0123456789\r\n0\r\n\r\n", body=b"0123456789"),
    kept("chunk size with leading zeros", CHUNKED + b"0002\r\nok\r\n000\r\n\r\n"),
    unlike_httpx(kept("chunk size of 31 digits", CHUNKED + b"0" * 30 + b"2\r\nok\r\n0\r\n\r\n")),
    kept("chunk of line ends", CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", body=b"\r\n\r\n"),
    kept("chunk that looks like the last", CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", body=b"0\r\n\r\n"),
    kept("thousand chunks", CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n", body=b"x" * 1000),
    kept("trailer", CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
    kept("trailer apart", CHUNKED + b"2\r\nok\r\n0\r\n", b"X-Sum: 1\r\n", b"\r\n"),
    kept("trailers by the hundred", CHUNKED + b"2\r\nok\r\n0\r\n" + b"X-Sum: 1\r\n" * 100 + b"\r\n"),
    kept("trailer that says close", CHUNKED + b"2\r\nok\r\n0\r\nConnection: close\r\n\r\n"),
    unlike_httpx(kept("coding in capitals", head(b"Transfer-Encoding: CHUNKED\r\n") + b"2\r\nok\r\n0\r\n\r\n")),
    kept("coding with white space before", head(b"Transfer-Encoding: \t chunked\r\n") + b"2\r\nok\r\n0\r\n\r\n"),
    last("chunked and close", head(b"Connection: close\r\nTransfer-Encoding: chunked\r\n") + b"2\r\nok\r\n0\r\n\r\n"),
)

INTERIM = (
    kept("100", CONTINUE + OK),
    kept("100 apart", CONTINUE, OK),
    kept("100, each byte alone", *(bytes([byte]) for byte in CONTINUE + OK)),
    kept("100 cut in its blank line", CONTINUE[:-1], CONTINUE[-1:] + OK),
    kept("ten times 100", CONTINUE * 10 + OK),
    kept("102", head(b"", b"102 Processing"), OK),
    kept("103 with fields", head(b"Link: </a>\r\n", b"103 Early Hints"), OK),
    kept("199", head(b"", b"199 What") + OK),
    kept("100 without a reason", head(b"", b"100 ") + OK),
    kept(
        "100 that says close", head(b"Connection: close\r\n", b"100 Continue") + OK
    ),  # of the final one it says nothing
    kept("100 of HTTP/1.0", head(b"", b"100 Continue", b"HTTP/1.0") + OK),
    kept("100 with a length", head(LENGTH, b"100 Continue") + OK),
    kept("100, then chunked", CONTINUE + CHUNKED + b"2\r\nok\r\n0\r\n\r\n"),
    kept("100, then 204", CONTINUE + head(b"", b"204 No"), status=204, body=b""),
    last("100, then until close", CONTINUE + head(b"") + b"ok", End.CLOSE),
)

WITHOUT_BODY = (
    kept("204", head(b"", b"204 No Content"), status=204, body=b""),
    kept("204 with length 0", head(b"Content-Length: 0\r\n", b"204 No Content"), status=204, body=b""),
    last("204 with a length", head(LENGTH, b"204 No Content"), status=204, body=b""),
    last("204 with a coding", head(b"Transfer-Encoding: chunked\r\n", b"204 No"), status=204, body=b""),
    last("204 that says close", head(b"Connection: close\r\n", b"204 No Content"), status=204, body=b""),
    kept("304", head(b"ETag: x\r\n", b"304 Not Modified"), status=304, body=b""),
    kept("304 with a length", head(b"Content-Length: 99\r\n", b"304 Not Modified"), status=304, body=b""),
    kept("304 with a huge length", head(b"Content-Length: 9999999999\r\n", b"304 No"), status=304, body=b""),
    kept("304 with a coding", head(b"Transfer-Encoding: chunked\r\n", b"304 No"), status=304, body=b""),
    kept("HEAD", head(b"Content-Length: 99\r\n"), body=b"", head=True),
    kept("HEAD, each byte alone", *(bytes([byte]) for byte in head(b"Content-Length: 99\r\n")), body=b"", head=True),
    kept("HEAD with a huge length", head(b"Content-Length: 99999999999\r\n"), body=b"", head=True),
    kept("HEAD with length 0", head(b"Content-Length: 0\r\n"), body=b"", head=True),
    kept("HEAD chunked", CHUNKED, body=b"", head=True),
    kept("HEAD behind 100", CONTINUE + CHUNKED, body=b"", head=True),
    kept("HEAD 204", head(b"", b"204 No"), status=204, body=b"", head=True),
    last("HEAD that says close", head(b"Connection: close\r\n" + LENGTH), body=b"", head=True),
    last("HEAD with a body", OK, body=b"", head=True),
    last("HEAD with a part of a body", head(b"Content-Length: 99\r\n") + b"x", body=b"", head=True),
    last("HEAD with chunks", CHUNKED + b"2\r\nok\r\n0\r\n\r\n", body=b"", head=True),
    last("HEAD with the last chunk", CHUNKED + b"0\r\n\r\n", body=b"", head=True),
    last("HEAD with a piece of a chunk", CHUNKED + b"2", body=b"", head=True),
    last("HEAD with a line end behind", head(b"Content-Length: 0\r\n") + b"\r\n", body=b"", head=True),
    last("HEAD with rubbish behind", head(b"Content-Length: 0\r\n") + b"rubbish\n", body=b"", head=True),
)

PERSISTENCE = (
    last("close", fields(b"Connection: close")),
    last("close, then closed", head(b"Connection: close\r\n"), b"ok", End.CLOSE),
    last("close in capitals", fields(b"CONNECTION: CLOSE")),
    last("close in a list", fields(b"Connection: foo, close")),
    last("close in a list, no space", fields(b"Connection: foo,close,bar")),
    last("close beside keep-alive", fields(b"Connection: keep-alive, close")),
    last("close before keep-alive", fields(b"Connection: close, keep-alive")),
    last("close in a second field", fields(b"Connection: keep-alive", b"Connection: close")),
    last("close in a first field", fields(b"Connection: close", b"Connection: keep-alive")),
    kept("keep-alive", fields(b"Connection: keep-alive", b"Keep-Alive: timeout=5, max=100")),
    kept("an option that begins with close", fields(b"Connection: closed")),
    kept("an option that ends in close", fields(b"Connection: not-close")),
    kept("weird options", fields(b"Connection: ,,;=")),
    kept("empty options", fields(b"Connection:")),
    kept("upgrade offered", fields(b"Connection: upgrade", b"Upgrade: h2c")),
    kept("upgrade named", fields(b"Upgrade: h2c")),
    last("HTTP/1.0", head(version=b"HTTP/1.0") + b"ok"),
    last("HTTP/1.0 until close", head(b"", version=b"HTTP/1.0") + b"ok", End.CLOSE),
    kept("HTTP/1.0 kept alive", head(b"Connection: keep-alive\r\n" + LENGTH, version=b"HTTP/1.0") + b"ok"),
    kept("HTTP/1.0 kept in a list", head(b"Connection: a, Keep-Alive\r\n" + LENGTH, version=b"HTTP/1.0") + b"ok"),
    last("HTTP/1.0 kept and closed", head(b"Connection: keep-alive, close\r\n" + LENGTH, version=b"HTTP/1.0") + b"ok"),
    last("HTTP/1.0 kept, no length", head(b"Connection: keep-alive\r\n", version=b"HTTP/1.0") + b"ok", End.CLOSE),
)

HEADS = (
    kept("no reason", head(status=b"200") + b"ok"),
    kept("empty reason", head(status=b"200 ") + b"ok"),
    kept("long reason", head(status=b"200 " + b"x" * 8000) + b"ok"),
    kept("reason in UTF-8", head(status="200 grün".encode()) + b"ok"),
    kept("503", head(status=b"503 Busy") + b"ok", status=503),
    kept("600", head(status=b"600 Beyond") + b"ok", status=600),
    kept("999", head(status=b"999 Beyond") + b"ok", status=999),
    kept("empty value", fields(b"A:")),
    kept("white space for a value", fields(b"A: \t ")),
    kept("white space around a value", fields(b"A: \t b c \t ")),
    kept("a value of colons", fields(b"A: ::b:")),
    kept("a value in latin-1", fields(b"A: \xff\xe9")),
    kept("a value in UTF-8", fields("A: grün".encode())),
    kept("every sign a name may have", fields(b"!#$%&'*+-.^_`|~09azAZ: 1")),
    kept("the same name twice", fields(b"A: 1", b"b: 2", b"A: 1", b"a: 3")),
    kept("cookies", fields(b"Set-Cookie: a=1", b"Set-Cookie: b=2")),
    kept("a long name", fields(b"A" * 4000 + b": 1")),
    kept("a value of 60 kB", fields(b"A: " + b"x" * 60_000)),
    kept("2000 fields", fields(*(b"A%d: 1" % number for number in range(2000)))),
    kept("names as long as the framing's", fields(b"Content-Lenght: 9", b"Transfer-Encodinh: chunked")),
    kept("content coding", fields(b"Content-Encoding: gzip")),
    kept("proxy says keep-alive", fields(b"Proxy-Connection: keep-alive")),
)

WHOLE = LENGTHS + CHUNKS + INTERIM + WITHOUT_BODY + PERSISTENCE + HEADS

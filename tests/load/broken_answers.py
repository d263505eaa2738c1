"""The catalogue of answers that are none: each is one protocol error or one timeout, and its connection is done with.

Sections are of RFC 9112 where nothing else is said. Where it lets a client choose between mending and refusing, this
one refuses: what two readers may read differently is not proven.
"""

from __future__ import annotations

from pytest_syncload.load.connection import Failure
from pytest_syncload.load.reading import ANSWER_LIMIT, HEAD_LIMIT, INTERIM_LIMIT
from tests.load.odd_answers import CHUNKED, CONTINUE, LENGTH, Case, fields, head
from tests.load.scripted import GET, OK, End, Step


def broken(detail: str, name: str, *steps: Step, head: bool = False) -> Case:
    """One protocol error with this in its words."""
    return Case(name=name, steps=steps, body=b"", status=0, failure=Failure.PROTOCOL, detail=detail, head=head)


def garbled(name: str, *steps: Step) -> Case:
    """Not HTTP/1.1."""
    return broken("the answer is not HTTP/1.1", name, *steps)


def silent(name: str, *steps: Step) -> Case:
    """The rest never comes, and the connection stays open."""
    steps = (*steps, End.HOLD)
    return Case(name=name, steps=steps, body=b"", status=0, failure=Failure.TIMEOUT, detail="waiting for the answer")


def coded(value: bytes, rest: bytes = b"2\r\nok\r\n0\r\n\r\n") -> bytes:
    """An answer in this transfer coding."""
    return head(b"Transfer-Encoding: " + value + b"\r\n") + rest


_BEFORE, _MIDDLE, _BEHIND, _LONGER = "before an answer", "in the middle of", "bytes behind", "is longer than"

ENDS = (
    *(
        broken(_MIDDLE if sent else _BEFORE, f"{verb} {where}", *([sent] if sent else []), end)
        for verb, end in (("closed", End.CLOSE), ("half closed", End.HALF_CLOSE), ("reset", End.RESET))
        for where, sent in (
            ("before an answer", b""),
            ("in the version", b"HTT"),
            ("in the status", b"HTTP/1.1 20"),
            ("in the head", b"HTTP/1.1 200 OK\r\nContent-Le"),
            ("before the blank line", b"HTTP/1.1 200 OK\r\n" + LENGTH),
            ("before the body", OK[:-2]),
            ("in the body", OK[:-1]),
            ("in an interim answer", CONTINUE[:-2]),
            ("behind an interim answer", CONTINUE),
            ("in a chunk", CHUNKED + b"5\r\nok"),
            ("behind a chunk", CHUNKED + b"2\r\nok\r\n"),
            ("in the last chunk", CHUNKED + b"2\r\nok\r\n0\r\n"),
            ("in a trailer", CHUNKED + b"2\r\nok\r\n0\r\nX-Su"),
        )
    ),
    broken(_MIDDLE, "reset in a body without length", head(b"") + b"o", End.RESET),  # 8: not the end of the answer
    broken(_MIDDLE, "reset in HTTP/1.0", head(b"", version=b"HTTP/1.0") + b"o", End.RESET),
)

TIMEOUTS = (
    silent("silent before an answer"),
    silent("silent in the status", b"HTTP/1.1 2"),
    silent("silent in the head", b"HTTP/1.1 200 OK\r\nA: "),
    silent("silent in the body", OK[:-1]),
    silent("silent behind an interim answer", CONTINUE),
    silent("silent in a chunk", CHUNKED + b"5\r\nok"),
    silent("silent before the last chunk", CHUNKED + b"2\r\nok\r\n"),
    silent("silent in an absurd chunk", CHUNKED + b"ffffffffffffffff\r\nok"),
    silent("silent without an end", head(b"") + b"ok"),
)

NOT_HTTP = (
    garbled("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    garbled("a request", GET),
    garbled("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    garbled("HTTP/0.9", b"<html>hello</html>", End.CLOSE),
    garbled("HTTP/0.9 in a status line", head(version=b"HTTP/0.9") + b"ok"),
    garbled("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    garbled("settings of HTTP/2", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    garbled("HTTP/2", head(version=b"HTTP/2") + b"ok"),
    garbled("HTTP/2.0", head(version=b"HTTP/2.0") + b"ok"),
    garbled("HTTP/1.2", head(version=b"HTTP/1.2") + b"ok"),
    garbled("HTTP/1.10", head(version=b"HTTP/1.10") + b"ok"),
    garbled("HTTP/1.", head(version=b"HTTP/1.") + b"ok"),
    garbled("http in small letters", head(version=b"http/1.1") + b"ok"),
    garbled("RTSP", head(version=b"RTSP/1.0") + b"ok"),
    garbled("ICY", head(version=b"ICY") + b"ok"),
    garbled("a space before", b" " + OK),
    garbled("an empty line before", b"\r\n" + OK),  # 2.2 lets a server pass over it, not a client
    garbled("a line feed before", b"\n" + OK),
    garbled("a NUL before", b"\0" + OK),
    garbled("a byte order mark before", b"\xef\xbb\xbf" + OK),
)

STATUS = (
    garbled("status of two digits", head(status=b"20 OK") + b"ok"),
    garbled("status of four digits", head(status=b"2000 OK") + b"ok"),
    garbled("status 0", head(status=b"000 OK") + b"ok"),
    garbled("status 99", head(status=b"099 OK") + b"ok"),
    garbled("status below zero", head(status=b"-20 OK") + b"ok"),
    garbled("status in letters", head(status=b"OK") + b"ok"),
    garbled("no status", head(status=b"") + b"ok"),
    garbled("no space behind the status", head(status=b"200OK") + b"ok"),
    garbled("two spaces before the status", head(status=b" 200 OK") + b"ok"),
    garbled("a tab before the status", OK.replace(b" ", b"\t", 1)),
    garbled("a bare CR in the reason", head(status=b"200 a\rb") + b"ok"),
)

INTERIMS = (
    broken("switches protocols", "101", head(b"Upgrade: x\r\nConnection: Upgrade\r\n", b"101 Switching Protocols")),
    broken("switches protocols", "101 that names nothing", head(b"", b"101 Switching Protocols") + OK),
    broken("switches protocols", "101 behind 100", CONTINUE + head(b"", b"101 Switching Protocols")),
    broken("interim answers", "100 without end", CONTINUE * (INTERIM_LIMIT + 1), End.HOLD),
    broken(_LONGER, "100 of endless fields", head(b"A: 1\r\n" * 50_000, b"100 Continue")[:-2], End.HOLD),
    broken("Transfer-Encoding", "100 with a coding", head(b"Transfer-Encoding: chunked\r\n", b"100 Continue") + OK),
    garbled("rubbish in 100", head(b"A b\r\n", b"100 Continue") + OK),
    garbled("an empty line behind 100", CONTINUE + b"\r\n" + OK),
    garbled("rubbish behind 100", CONTINUE + b"rubbish"),
    garbled("the body of 100", head(LENGTH, b"100 Continue") + b"ok" + OK),
    broken(_BEHIND, "100 behind the answer", OK + CONTINUE),
)

BEHIND = (
    broken(_BEHIND, "two answers", OK + OK),
    broken(_BEHIND, "a second answer's first byte", OK + b"H"),
    broken(_BEHIND, "rubbish behind", OK + b"rubbish"),
    broken(_BEHIND, "an empty line behind", OK + b"\r\n"),
    broken(_BEHIND, "a line feed behind", OK + b"\n"),
    broken(_BEHIND, "a carriage return behind", OK + b"\r"),
    broken(_BEHIND, "an empty line behind no body", head(b"Content-Length: 0\r\n") + b"\r\n"),
    broken(_BEHIND, "an empty line behind chunks", CHUNKED + b"2\r\nok\r\n0\r\n\r\n\r\n"),
    broken(_BEHIND, "an empty line behind in one piece", CHUNKED + b"2\r\nok\r\n0\r\n", b"\r\n\r\n"),
    broken(_BEHIND, "a line feed behind line feeds", head() + b"\n\n\n"),
    broken(_BEHIND, "a line feed behind line feeds, apart", head(), b"\n\n\n"),
    broken(_BEHIND, "a line feed behind a line feed, apart", head() + b"\n", b"\n\n"),
    broken(_BEHIND, "a line feed behind, cut in the blank line", head()[:-2], b"\r\nok\n"),
    broken(_BEHIND, "an empty line behind an empty line", head() + b"\r\n\r\n"),
    broken(_BEHIND, "mixed line ends behind no body", head(b"", b"204 No Content") + b"\r\r\n\r\n"),
    broken(_BEHIND, "mixed line ends behind chunks, apart", CHUNKED + b"0\r\n", b"\r\n\n\r\n\r\n"),
    broken(_BEHIND, "many line ends behind", head(b"Content-Length: 0\r\n") + b"\r\n" * 50),
    broken(_BEHIND, "a NUL behind", OK + b"\0"),
    broken(_BEHIND, "body longer than its length", OK + b"!"),
    broken(_BEHIND, "rubbish behind chunks", CHUNKED + b"2\r\nok\r\n0\r\n\r\nrubbish"),
    broken(_BEHIND, "rubbish behind a last one", fields(b"Connection: close") + b"!"),
    broken(_BEHIND, "rubbish behind HTTP/1.0", head(version=b"HTTP/1.0") + b"ok!"),
    broken(_BEHIND, "body behind a 204", head(b"", b"204 No Content") + b"body"),
    broken(_BEHIND, "body as long as a 204 says", head(LENGTH, b"204 No Content") + b"ok"),
    broken(_BEHIND, "body behind a 304", head(LENGTH, b"304 Not Modified") + b"ok"),
    broken(_BEHIND, "chunks behind a 204", head(b"Transfer-Encoding: chunked\r\n", b"204 No") + b"0\r\n\r\n"),
)

#: 6.3, item 5: a client must refuse an invalid length, and may refuse one that is said twice.
LENGTHS = (
    *(
        garbled(f"length {name}", head(b"Content-Length:" + value + b"\r\n") + b"ok")
        for name, value in {
            "empty": b"",
            "with a plus": b" +2",
            "below zero": b" -2",
            "in hex": b" 0x2",
            "in words": b" two",
            "with a fraction": b" 2.0",
            "with an exponent": b" 2e0",
            "with a space inside": b" 1 2",
            "with a comma": b" 2,",
            "as a list of one": b" 2, 2",
            "as a list of two": b" 2, 3",
            "in quotes": b' "2"',
            "with an underscore": b" 0_2",
            "in other digits": "\u0662".encode(),
            "beyond 64 bits": b" 18446744073709551618",
            "of 100 digits": b" " + b"9" * 100,
        }.items()
    ),
    garbled("lengths that differ", head(LENGTH + b"Content-Length: 3\r\n") + b"ok"),
    garbled("lengths that agree", head(LENGTH + LENGTH) + b"ok"),
    garbled("length and chunked", head(LENGTH + b"Transfer-Encoding: chunked\r\n") + b"2\r\nok\r\n0\r\n\r\n"),  # 6.3
    garbled("chunked and length", head(b"Transfer-Encoding: chunked\r\n" + LENGTH) + b"2\r\nok\r\n0\r\n\r\n"),
    broken(_LONGER, "length beyond the limit", head(b"Content-Length: %d\r\n" % (ANSWER_LIMIT + 1)), End.HOLD),
    broken(_LONGER, "length of 2^64 - 1", head(b"Content-Length: 18446744073709551615\r\n"), End.HOLD),
)

#: 6.1 and 7: no request of ours has TE, so nothing but one chunked may come.
CODINGS = (
    *(
        broken("Transfer-Encoding", f"coding {value.decode()}", coded(value))
        for value in (
            b"gzip",
            b"identity",
            b"gzip, chunked",
            b"chunked, gzip",
            b"chunked, chunked",
            b"chunked,",
            b",chunked",
            b"xchunked",
            b"chunkedx",
            b"chunked;q=1",
            b'"chunked"',
            b"chunked identity",
            b"chunked ",
        )
    ),
    garbled("coding empty", coded(b"")),
    garbled("coding with a vertical tab", coded(b"\x0bchunked")),
    broken("Transfer-Encoding", "coding twice", coded(b"chunked\r\nTransfer-Encoding: chunked")),
    broken("Transfer-Encoding", "coding in two fields", coded(b"gzip\r\nTransfer-Encoding: chunked")),
    broken("Transfer-Encoding", "identity with a length", head(b"Transfer-Encoding: identity\r\n" + LENGTH) + b"ok"),
    broken("HTTP/1.0", "chunked in HTTP/1.0", coded(b"chunked").replace(b"/1.1", b"/1.0")),
)

CHUNKS = (
    *(
        garbled(f"chunk size {name}", CHUNKED + size + b"\r\nok\r\n0\r\n\r\n")
        for name, size in {
            "missing": b"",
            "no number": b"zz",
            "with 0x": b"0x2",
            "with a plus": b"+2",
            "below zero": b"-2",
            "with a space before": b" 2",
            "with a space behind": b"2 ",
            "with a tab behind": b"2\t",
            "with an underscore": b"0_2",
            "in other digits": "\uff12".encode(),
            "beyond 64 bits": b"10000000000000002",
            "of 100 digits": b"f" * 100,
            "with a NUL": b"2\0",
        }.items()
    ),
    garbled("chunk longer than its size", CHUNKED + b"1\r\nok\r\n0\r\n\r\n"),
    garbled("chunk shorter than its size", CHUNKED + b"3\r\nok\r\n0\r\n\r\n"),
    garbled("no line end behind a chunk", CHUNKED + b"2\r\nok0\r\n\r\n"),
    garbled("bare LF behind a chunk size", CHUNKED + b"2\nok\r\n0\r\n\r\n"),
    garbled("bare LF behind a chunk", CHUNKED + b"2\r\nok\n0\r\n\r\n"),
    garbled("bare CR behind a chunk size", CHUNKED + b"2\rok\r\n0\r\n\r\n"),
    garbled("bare LF in an extension", CHUNKED + b"2;a\nok\r\n0\r\n\r\n"),
    garbled("bare CR in an extension", CHUNKED + b"2;a\rb\r\nok\r\n0\r\n\r\n"),
    garbled("NUL in an extension", CHUNKED + b"2;a=\0\r\nok\r\n0\r\n\r\n"),
    garbled("line end in a quoted extension", CHUNKED + b'2;a="b\r\nc"\r\nok\r\n0\r\n\r\n'),
    garbled("white space before an extension", CHUNKED + b"2 ;a\r\nok\r\n0\r\n\r\n"),  # 7.1.1 calls it bad
    garbled("extension without a name", CHUNKED + b"2;\r\nok\r\n0\r\n\r\n"),
    garbled("trailer without a colon", CHUNKED + b"2\r\nok\r\n0\r\nA b\r\n\r\n"),
    garbled("folded trailer", CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\n c\r\n\r\n"),
    garbled("bare LF behind the last chunk", CHUNKED + b"2\r\nok\r\n0\r\n\n"),
    garbled("trailer of a length", CHUNKED + b"2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n"),  # RFC 9110, 6.5.1
    broken("trailer", "trailer of a coding", CHUNKED + b"2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    broken(_LONGER, "endless chunks", CHUNKED + b"1\r\nx\r\n" * (ANSWER_LIMIT // 6), End.HOLD),
    broken(_LONGER, "endless extension", CHUNKED + b"2;a=" + b"x" * ANSWER_LIMIT, End.HOLD),
    broken(_LONGER, "endless trailers", CHUNKED + b"0\r\n" + b"A: 1\r\n" * (ANSWER_LIMIT // 6), End.HOLD),
)

HEADS = (
    garbled("folded value", fields(b"A: 1\r\n  2")),  # 5.2: a server must not; readers differ in what they make of it
    garbled("folded length", head(b"Content-Length:\r\n 2\r\n") + b"ok"),
    garbled("white space before the first field", fields(b" A: 1")),
    garbled("white space before the colon", fields(b"A : 1")),  # 5.1
    garbled("white space before the length's colon", head(b"Content-Length : 2\r\n") + b"ok"),
    garbled("empty name", fields(b": 1")),
    garbled("no colon", fields(b"A")),
    garbled("space in a name", fields(b"A b: 1")),
    garbled("NUL in a name", fields(b"A\0: 1")),
    garbled("UTF-8 in a name", fields("Ä: 1".encode())),
    garbled("brackets in a name", fields(b"A(b): 1")),
    garbled("NUL in a value", fields(b"A: a\0b")),
    garbled("control in a value", fields(b"A: a\x01b")),
    garbled("DEL in a value", fields(b"A: a\x7fb")),
    garbled("bare CR in a value", fields(b"A: a\rb")),
    garbled("bare CR before a line end", fields(b"A: a\r")),
    garbled("bare CR for a line end", OK.replace(b"\r\n", b"\r")),
    garbled("bare LF behind a value", fields(b"A: a\nB: b")),
    garbled("bare LF behind the status", OK.replace(b"\r\n", b"\n", 1)),
    garbled("bare LF for the blank line", OK.replace(b"\r\n\r\n", b"\r\n\n")),
    garbled("bare LF throughout", OK.replace(b"\r\n", b"\n")),
    broken(_LONGER, "a head beyond the limit", fields(b"A: " + b"x" * HEAD_LIMIT)),
    broken(_LONGER, "fields beyond the limit", fields(*(b"A%d: 1" % number for number in range(20_000)))),
    broken(_LONGER, "endless value", head(b"A: " + b"x" * ANSWER_LIMIT), End.HOLD),
    broken(_LONGER, "endless fields", head(b"A: 1\r\n" * 50_000)[:-2], End.HOLD),
    broken(_LONGER, "endless reason", head(status=b"200 " + b"x" * ANSWER_LIMIT), End.HOLD),
    broken(_LONGER, "endless body", head(b"") + bytes(ANSWER_LIMIT), End.HOLD),
)

BROKEN = ENDS + TIMEOUTS + NOT_HTTP + STATUS + INTERIMS + BEHIND + LENGTHS + CODINGS + CHUNKS + HEADS

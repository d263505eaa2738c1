"""Bytes in, one answer out: what of HTTP/1.1 is the answer to a request, and whether anything else may follow it.

Parsing is llhttp's (httptools). Ours are the edges that decide where an answer ends: interim answers, HEAD, answers
without a length, bytes behind an answer, and all that a strict reader of RFC 9112 refuses and llhttp lets pass. It must
never guess: where two readers could see two ends, the answer is a fault, and nothing may follow it.
"""

from __future__ import annotations

import httptools

#: An answer to a sync job is some hundred bytes; a megabyte, headers and framing included, is a wrong target, and would
#: be our memory.
ANSWER_LIMIT = 1 << 20
#: What plain httpx takes before it gives a head up.
HEAD_LIMIT = 100 * 1024
#: RFC 9110, section 15.2, allows one or more; each costs a copy of what came with it.
INTERIM_LIMIT = 100
_OPENING = b"HTTP/1."
#: As far as the first digit of the status: "HTTP/1.1 2".
_OPENING_BYTES = 10
_USUAL_OPENING = b"HTTP/1.1 "
_ZERO, _ONE = b"01"
_BLANK = b"\r\n\r\n"
_LAST_CONTROL = 13  # the carriage return
_CONTENT_LENGTH, _TRANSFER_ENCODING = b"content-length", b"transfer-encoding"
#: A length of so few digits cannot be beyond the limit.
_SURELY_BELOW_LIMIT = 6


class _Interim:
    """Of an interim answer: whether it is well-formed, and has no coding."""

    coded = False

    def on_header(self, name: bytes, _: bytes) -> None:
        """Its fields are nobody's to keep."""
        self.coded = self.coded or name.lower() == _TRANSFER_ENCODING


class Reading:
    """Reads one answer after another, each between `begin` and the `feed` that gives True.

    Then either ``fault`` says what is wrong, which is for good, or ``status``, ``fields`` (as they came) and ``pieces``
    of its body are the answer and ``keep`` says whether the connection may carry another.
    """

    __slots__ = (
        "_chunked",
        "_complete",
        "_early",
        "_framed",
        "_head",
        "_headers_done",
        "_in_body",
        "_interims",
        "_length",
        "_odd",
        "_old",
        "_opened",
        "_parser",
        "_stale",
        "_surplus",
        "_tail",
        "fault",
        "fields",
        "keep",
        "pieces",
        "received",
        "status",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head = self._odd = self._stale = self._surplus = self.keep = False
        self.status = 0
        self.fault = ""
        self._forget()

    def begin(self, head: bool) -> None:
        """The next answer; with ``head``, to a HEAD request, which has no body whatever its headers say."""
        if self._stale:
            self._parser = httptools.HttpResponseParser(self)
            self._stale = False
        if head or self._odd:
            self._forget()
            # llhttp cannot be told that no body follows, and may wait for one.
            self._head = self._stale = self._odd = head
        self.fields: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.received = 0
        self._opened = self._headers_done = self._complete = self._framed = False

    def _forget(self) -> None:
        """What few answers set; the others need not pay for setting it back."""
        self._early = self._tail = b""
        self._interims = self._length = 0
        self._chunked = self._in_body = self._old = self._odd = False

    def end(self) -> None:
        """No other answer: let go of the parser, whose callbacks are ours. Nobody collects cycles during a phase."""
        del self._parser

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection completes the answer: it said nothing of its length (RFC 9112, 6.3)."""
        return self._headers_done and not self._framed and not self.fault

    def feed(self, data: bytes) -> bool:
        """Take in bytes as they came; True once it is over."""
        self.received += len(data)
        if self.received > ANSWER_LIMIT:
            return self._refuse(f"the answer is longer than {ANSWER_LIMIT} bytes")
        if not self._opened:
            if data[:9] == _USUAL_OPENING and data[9:10] > b"1" and not self._early:
                self._opened = True
            else:
                data = self._open(data)
                if not self._opened:
                    return self.fault != ""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete and not (self._head and self._headers_done):
                return self._refuse(self.fault or f"the answer is not HTTP/1.1: {error}")
            self._surplus = True
        if self.fault:
            return True
        if self._complete or (self._head and self._headers_done):
            return self._over(data)
        self._odd = True
        self._in_body = self._headers_done
        self._tail = (self._tail + data[-6:])[-6:]
        if not self._headers_done and self.received > HEAD_LIMIT:
            return self._refuse(f"the head of the answer is longer than {HEAD_LIMIT} bytes")
        return False

    def _open(self, data: bytes) -> bytes:
        """The first bytes: passes over interim answers, and gives what is there of the final one.

        RFC 9112, section 2.2, lets only servers pass over an empty line before a message, and llhttp would.
        """
        self._odd = True
        data = self._early + data
        while True:
            if data[:7] != _OPENING[: len(data)]:
                self._refuse(f"the answer is not HTTP/1.1: it begins with {data[:20]!r}")
                return b""
            self._early = data
            if len(data) < _OPENING_BYTES:
                return b""
            digit = data[_OPENING_BYTES - 1]
            if digit != _ONE:
                self._old = data[7] == _ZERO
                self._opened = digit != _ZERO
                if not self._opened:
                    self._refuse("the answer is not HTTP/1.1: its status is below 100")
                return data
            end = data.find(_BLANK) + len(_BLANK)
            if end < len(_BLANK):
                if len(data) > HEAD_LIMIT:
                    self._refuse(f"the head of the answer is longer than {HEAD_LIMIT} bytes")
                return b""
            self._pass_over(data[:end])
            if self.fault:
                return b""
            data = data[end:]

    def _pass_over(self, interim: bytes) -> None:
        """An answer before the answer (RFC 9110, section 15.2)."""
        self._interims += 1
        if interim[9:12] == b"101":
            self._refuse("the answer switches protocols, which nobody asked for")
            return
        if self._interims > INTERIM_LIMIT:
            self._refuse(f"more than {INTERIM_LIMIT} interim answers")
            return
        told = _Interim()
        try:
            httptools.HttpResponseParser(told).feed_data(interim)
        except httptools.HttpParserError as error:
            self._refuse(f"the answer is not HTTP/1.1: {error}")
        if told.coded:
            self._refuse("Transfer-Encoding in an interim answer, which has no body (RFC 9112, 6.1)")

    def _refuse(self, fault: str) -> bool:
        self.fault = fault
        self.keep = False
        return True

    def _over(self, data: bytes) -> bool:
        behind = self._surplus
        if not behind and data[-1] <= _LAST_CONTROL:
            if self.pieces and not self._odd:  # it came at once, with its length, as nearly all do
                behind = data.find(_BLANK) + len(_BLANK) + len(self.pieces[-1]) != len(data)
            else:
                behind = self._has_line_ends_behind(data)
        if self._head:
            # A body where none may be is somebody's old bug; the answer is whole, and the connection is done with.
            behind = behind or bool(self.pieces) or (self._chunked and self._complete) or data[-1] != _BLANK[-1]
            self.pieces = []
            self.keep = self.keep and not behind
            return True
        if behind:
            return self._refuse("bytes behind the end of the answer")
        return True

    def _has_line_ends_behind(self, data: bytes) -> bool:
        """Whether line ends follow the answer, which llhttp swallows without a word."""
        if self.pieces and not self._chunked:
            last = len(self.pieces[-1])  # llhttp gives in one piece what came in one
            if self._in_body:
                return len(data) != last
            head = self._tail + data
            return head.find(_BLANK) + len(_BLANK) + last != len(head)
        end = self._tail + data[-8:]
        return not end.endswith(_BLANK) or len(end.rstrip(_BLANK)) != len(end) - len(_BLANK)

    # What llhttp tells us.

    def on_message_begin(self) -> None:
        """A second message behind a complete one is surplus."""
        self._surplus = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is none of the answer's headers."""
        if not self._headers_done:
            self.fields.append((name, value))
        elif not self._complete:
            self._stale = True  # llhttp takes it for a header that may end the connection
            if name.lower() in (_CONTENT_LENGTH, _TRANSFER_ENCODING):
                self._refuse(f"the trailer {name.decode()} would change the answer's framing (RFC 9110, 6.5.1)")

    def _on_framing(self, name: bytes, value: bytes) -> None:
        if name == _CONTENT_LENGTH:
            self._framed = True
            if len(value) > _SURELY_BELOW_LIMIT:
                # llhttp took only digits and no second one; int() has a limit on how many it reads.
                self._length = int(value.strip().lstrip(b"0")[:20] or b"0")
                self._odd = True
            return
        if name != _TRANSFER_ENCODING:
            return
        self._odd = True
        if self._old:
            self._refuse("Transfer-Encoding in HTTP/1.0: its framing is faulty (RFC 9112, 6.1)")
        elif self._chunked or value.lower() != b"chunked":
            # No request of ours has TE, so nothing but chunked may be used, and that once (RFC 9112, 6.1 and 7.4).
            # With white space behind it, as 5.1 would allow, llhttp sees no chunks, as other readers may.
            self._refuse(f"Transfer-Encoding {value[:40]!r} where only one chunked may be (RFC 9112, 6.1)")
        else:
            self._chunked = self._framed = True

    def on_headers_complete(self) -> None:
        """The body is next."""
        if self._complete:
            return
        self._headers_done = True
        for name, value in self.fields:
            if len(name) == 14 or len(name) == 17:  # the two names of framing; this is the hot path
                self._on_framing(name.lower(), value)
        status = self.status = self._parser.get_status_code()
        # Asked here, because llhttp forgets the headers with the end of the message.
        self.keep = self._parser.should_keep_alive() and not (self._old and self._says_close())
        if status in (204, 304):
            self._framed = True
            if status == 204 and any(_says_more(name.lower(), value) for name, value in self.fields):
                self.keep = False  # a server that says so against RFC 9110, 8.6, may yet send it
        elif self._length > ANSWER_LIMIT and not self._head:
            self._refuse(f"the answer is longer than {ANSWER_LIMIT} bytes: it says {self._length}")
        if self.received > HEAD_LIMIT and sum(len(n) + len(v) + 4 for n, v in self.fields) > HEAD_LIMIT:
            self._refuse(f"the head of the answer is longer than {HEAD_LIMIT} bytes")

    def _says_close(self) -> bool:
        """Whether HTTP/1.0 says close beside keep-alive, of which llhttp sees only the latter."""
        return any(name.lower() == b"connection" and b"close" in value.lower() for name, value in self.fields)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._complete:
            self.pieces.append(body)

    def on_message_complete(self) -> None:
        """Whole; whatever follows is surplus."""
        self._complete = True


def _says_more(name: bytes, value: bytes) -> bool:
    return name == _TRANSFER_ENCODING or (name == _CONTENT_LENGTH and value.strip(b"0 \t") != b"")

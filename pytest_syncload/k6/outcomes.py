"""What k6 says of one request → its outcome, pure.

The codes are those of k6's documentation ("Error codes", javascript-api/error-codes), which gives them by hundreds and
one by one. What it does not list counts as a protocol error: a failure of the target, and no answer.
"""

from __future__ import annotations

from collections.abc import Collection

from pytest_syncload.facts.result import Outcome

#: The request has not got its answer in time.
_TIMED_OUT = 1050
#: No connection came about: what has to do with names, with dialling (also in vain until it timed out), and with TLS,
#: whose errors all come before a request is written. The other TCP errors end a connection that was there.
_NAMES = range(1100, 1200)
_DIALLING = range(1210, 1220)
_TLS = range(1300, 1400)
#: 1000 and the status.
_OF_STATUS = range(1400, 1600)

_MEANING = {
    1000: "an error without a code of its own",
    1050: "the request timed out",
    1101: "no address for the host",
    1201: "the connection was closed while the request was written",
    1211: "connecting timed out",
    1212: "the connection was refused",
    1220: "the connection was reset",
    1310: "the certificate's authority is unknown",
    1311: "the certificate is another host's",
    1701: "the answer could not be decompressed",
}
_MEANING_OF_RANGES = (
    (_NAMES, "the host's name was not resolved"),
    (_DIALLING, "no connection came about"),
    (range(1200, 1300), "the connection broke"),
    (_TLS, "TLS failed"),
    (range(1600, 1700), "HTTP/2 failed"),
)


def outcome_of(status: int, error_code: int, expected: Collection[int]) -> Outcome:
    """The outcome of a request that was started, its body aside. ``status`` and ``error_code`` are 0 where k6 has none.

    A body that broke off has an error code and no status, as k6 has it.
    """
    if status == 0 and error_code not in _OF_STATUS:
        if error_code in _NAMES or error_code in _DIALLING or error_code in _TLS:
            return Outcome.CONNECT_ERROR
        return Outcome.TIMEOUT if error_code == _TIMED_OUT else Outcome.PROTOCOL_ERROR
    if status >= 500:
        return Outcome.SERVER_ERROR
    return Outcome.OK if status in expected else Outcome.UNEXPECTED_STATUS


def in_words(status: int, error_code: int) -> str:
    """What was answered, or why nothing was, for a person."""
    if status:
        return f"HTTP {status}"
    meaning = _MEANING.get(error_code) or next(
        (words for codes, words in _MEANING_OF_RANGES if error_code in codes), "no answer"
    )
    return f"{meaning} (k6's error_code {error_code})"

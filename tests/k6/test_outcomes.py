"""Each of k6's error codes, as its documentation lists them, and what it is here."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.result import Outcome
from pytest_syncload.k6.outcomes import in_words, outcome_of


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Outcome.PROTOCOL_ERROR),
        (1000, Outcome.PROTOCOL_ERROR),
        (1010, Outcome.PROTOCOL_ERROR),
        (1050, Outcome.TIMEOUT),
        (1100, Outcome.CONNECT_ERROR),
        (1101, Outcome.CONNECT_ERROR),
        (1111, Outcome.CONNECT_ERROR),
        (1200, Outcome.PROTOCOL_ERROR),
        (1201, Outcome.PROTOCOL_ERROR),
        (1210, Outcome.CONNECT_ERROR),
        (1211, Outcome.CONNECT_ERROR),
        (1212, Outcome.CONNECT_ERROR),
        (1220, Outcome.PROTOCOL_ERROR),
        (1300, Outcome.CONNECT_ERROR),
        (1311, Outcome.CONNECT_ERROR),
        (1610, Outcome.PROTOCOL_ERROR),
        (1701, Outcome.PROTOCOL_ERROR),
    ],
)
def test_no_status(code: int, outcome: Outcome) -> None:
    assert outcome_of(0, code, (200,)) is outcome


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (202, Outcome.OK),
        (201, Outcome.OK),
        (200, Outcome.UNEXPECTED_STATUS),
        (302, Outcome.UNEXPECTED_STATUS),
        (404, Outcome.UNEXPECTED_STATUS),
        (429, Outcome.UNEXPECTED_STATUS),
        (500, Outcome.SERVER_ERROR),
        (503, Outcome.SERVER_ERROR),
    ],
)
def test_a_status(status: int, outcome: Outcome) -> None:
    code = 1000 + status if status >= 400 else 0
    assert outcome_of(status, code, (201, 202)) is outcome


def test_a_status_that_only_its_error_code_tells_of_is_no_success() -> None:
    assert outcome_of(0, 1503, (202,)) is Outcome.UNEXPECTED_STATUS


def test_words() -> None:
    assert in_words(503, 1503) == "HTTP 503"
    assert in_words(0, 1212) == "the connection was refused (k6's error_code 1212)"
    assert in_words(0, 1213) == "no connection came about (k6's error_code 1213)"
    assert in_words(0, 1202) == "the connection broke (k6's error_code 1202)"
    assert in_words(0, 9) == "no answer (k6's error_code 9)"

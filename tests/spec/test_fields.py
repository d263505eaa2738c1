from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from pytest_syncload.facts.units import Kind
from pytest_syncload.spec import fields

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.lists(st.text(), max_size=1)
)


@given(SCALARS, st.sampled_from(Kind))
def test_an_amount_is_finite_or_refused_without_its_value(value: Any, kind: Kind) -> None:
    try:
        assert 0 <= fields.amount(value, kind) < float("inf")
    except PydanticCustomError as error:
        takes = (error.context or {})["takes"]
        assert "such as" in takes


@given(st.text(max_size=100))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        assert fields.target(text, Kind.SHARE).op in ("<", "<=", "==", ">=", ">")
    except PydanticCustomError as error:
        assert error.type == "syncload"  # noqa: PT017 -- either way out is right


@pytest.mark.parametrize(
    ("form", "value", "read"),
    [
        (fields.Rate, "3000/s", 3000.0),
        (fields.RateOrNone, "0/s", 0.0),
        (fields.Seconds, "10m", 600.0),
        (fields.Seconds, "2500 ms", 2.5),
        (fields.SecondsOrNone, "0s", 0.0),
        (fields.Milliseconds, "0.7s", 700.0),
        (fields.Share, "100 %", 100.0),
        (fields.Percent, "150 %", 150.0),
        (fields.Factor, 60, 60.0),
        (fields.Factor, 0.4, 0.4),
        (fields.Whole, 1, 1),
        (fields.BaseUrl, "http://127.0.0.1:80/a", "http://127.0.0.1:80/a"),
        (fields.BaseUrl, "https://[::1]:8443", "https://[::1]:8443"),
        (fields.HostPort, "localhost:9099", "localhost:9099"),
        (fields.UrlPath, "/a%20b?c=d&e={f}", "/a%20b?c=d&e={f}"),
        (fields.Statistic, "p99.9", "p99.9"),
        (fields.Statistic, "PR(:500)", "PR(:500)"),
        (fields.Statistic, "TM(2%:98%)", "TM(2%:98%)"),
        (fields.HeaderName, "X-Trace", "X-Trace"),
        (fields.HeaderValue, "", ""),
        (fields.HeaderValue, "a b", "a b"),
    ],
)
def test_what_is_right_is_read(form: Any, value: Any, read: Any) -> None:
    assert TypeAdapter(form).validate_python(value, strict=True) == read


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (fields.Rate, "0/s"),
        (fields.Rate, "-5/s"),
        (fields.Rate, 5),
        (fields.Rate, "5 ms"),
        (fields.Rate, True),
        (fields.Rate, "9" * 400 + "/s"),
        (fields.Seconds, "0s"),
        (fields.Seconds, "10 minutes"),
        (fields.SecondsOrNone, 0),
        (fields.Share, "100.1 %"),
        (fields.Factor, 0),
        (fields.Factor, -1.0),
        (fields.Factor, "60"),
        (fields.Factor, True),
        (fields.Factor, [1]),
        (fields.Whole, 0),
        (fields.Whole, "1"),
        (fields.Whole, True),
        (fields.Whole, {}),
        (fields.Text, " "),
        (fields.Text, 5),
        (fields.BaseUrl, "ftp://x"),
        (fields.BaseUrl, "api.example.com"),
        (fields.BaseUrl, "https://"),
        (fields.BaseUrl, "https://x?a=b"),
        (fields.BaseUrl, "https://x#f"),
        (fields.BaseUrl, "https://user:pw@x"),
        (fields.BaseUrl, "https://x:99999"),
        (fields.BaseUrl, "https://x:0"),
        (fields.BaseUrl, "https://[::1"),
        (fields.BaseUrl, "https://x y"),
        (fields.BaseUrl, "https://bücher.example"),
        (fields.HostPort, "localhost"),
        (fields.HostPort, "http://localhost:1"),
        (fields.UrlPath, "v1"),
        (fields.UrlPath, "/a b"),
        (fields.UrlPath, "/a#b"),
        (fields.UrlPath, "/ä"),
        (fields.UrlPath, "/a\n"),
        (fields.Statistic, "average"),
        (fields.Statistic, "p101"),
        (fields.HeaderName, "X Trace"),
        (fields.HeaderName, ""),
        *[(fields.HeaderName, name.lower()) for name in fields.RESERVED_HEADERS],
        (fields.HeaderValue, "a\r\nb"),
        (fields.HeaderValue, "a\n"),
        (fields.HeaderValue, " a"),
        (fields.HeaderValue, "ä"),
    ],
)
def test_what_is_wrong_is_refused(form: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(form).validate_python(value, strict=True)


@pytest.mark.parametrize("value", ["many", 0, -1, 1025, True, 1.5, None, [2]])
def test_generators_are_auto_or_a_number(value: Any) -> None:
    assert [fields.generators(right) for right in ("auto", 1, 1024)] == [0, 1, 1024]
    with pytest.raises(PydanticCustomError, match="neither 'auto' nor"):
        fields.generators(value)


@pytest.mark.parametrize(
    "text",
    [
        "", "failed", "failed > 1", "failed < 1 %", "p95 > 1 s", "failed == 1 %", "> 1 %", "failed >= 1 %",
        "failed > 100 %", "failed > 250 %",
    ],
)  # fmt: skip
def test_a_climb_ends_on_a_share_of_failures(text: str) -> None:
    assert [fields.failed_share(right) for right in ("failed > 1 %", " failed > 0.5% ", "failed > 99.9 %")] == [
        "failed > 1 %",
        "failed > 0.5%",
        "failed > 99.9 %",
    ]
    with pytest.raises(PydanticCustomError):
        fields.failed_share(text)

"""The types of slo.yaml's values: quantities, targets, addresses, headers. Each turns text into canonical units.

Every refusal is a `PydanticCustomError` whose context has ``what`` (may show the text) and ``takes`` (never does: it
stands alone where the text came from a `${VAR}`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from pytest_syncload.facts import units
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.units import EXAMPLE, Kind, UnitError

# Longer text is no quantity, and the units' patterns are not made for it.
_LONGEST_QUANTITY = 64

_STATISTIC = re.compile(
    r"Average|Sum|Minimum|Maximum|SampleCount|IQM"
    r"|(?:p|tm|wm|tc|ts)(?:100|\d{1,2}(?:\.\d{1,10})?)|(?:TM|WM|TC|TS|PR)\([\d.%:]+\)",
    re.ASCII,
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Set by the load path for every request; a template that set them would break the measurement.
RESERVED_HEADERS = ("Authorization", "Idempotency-Key", "Host", "Content-Length", "Connection", "Transfer-Encoding")


def wrong(what: str, takes: str) -> PydanticCustomError:
    """A refusal: ``what`` is wrong, and what the place ``takes`` instead."""
    return PydanticCustomError("syncload", "{what}", {"what": what, "takes": takes})


def amount(value: Any, kind: Kind) -> float:
    """A quantity of ``kind`` in its canonical unit. Raises `PydanticCustomError`."""
    takes = f"a {kind} such as {EXAMPLE[kind]!r}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise wrong(f"{value} has no unit; write {takes}", takes)
    if not isinstance(value, str) or len(value) > _LONGEST_QUANTITY:
        raise wrong(f"this is not {takes}", takes)
    try:
        number = units.parse_quantity(value, kind).value
    except UnitError as error:
        raise wrong(str(error), takes) from None
    return number


def target(text: Any, kind: Kind | None) -> Target:
    """A target as text; with ``kind`` None (unknown metric) only its form is checked. Raises `PydanticCustomError`."""
    example = f"< {EXAMPLE[kind or Kind.TIME]}"
    takes = f"a target such as {example!r}"
    if not isinstance(text, str) or len(text) > _LONGEST_QUANTITY:
        shown = f"{text} is" if isinstance(text, (int, float)) else "this is"
        raise wrong(f"{shown} not a target; it starts with one of <, <=, ==, >=, > as in {example!r}", takes)
    try:
        sign, rest = units.split_target(text)
    except UnitError as error:
        raise wrong(str(error), takes) from None
    if kind is None:
        return Target(op=sign, value=0.0, kind=Kind.COUNT, text=text.strip())
    return Target(op=sign, value=amount(rest, kind), kind=kind, text=text.strip())


def _of(kind: Kind, scale: float = 1.0, *, positive: bool = True) -> BeforeValidator:
    def read(value: Any) -> float:
        number = amount(value, kind)
        if positive and number == 0:
            raise wrong(f"{value!r} is nothing; it must be more than 0", f"a {kind} of more than 0")
        return number / scale

    return BeforeValidator(read)


def _share(value: Any) -> float:
    percent = amount(value, Kind.SHARE)
    if percent > 100:
        raise wrong(f"{value!r} is more than all; write 100 % or less", "a share of 100 % or less")
    return percent


def _given(value: Any) -> Any:
    if value is None:
        raise wrong("has no value; give it one, or leave the key out", "a value")
    return value


def _checked(form: Callable[[str], bool], takes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not form(value):
            raise wrong(f"{value!r} is not {takes}", takes)
        return value

    return AfterValidator(check)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**63:
        raise wrong(f"{value!r} is not a whole number from 1" if _plain(value) else "not a number", "a number from 1")
    return value


def _plain(value: Any) -> bool:
    """Whether a message may show the value: a scalar. What stands inside a container may be a variable's."""
    return isinstance(value, (str, int, float))


def _factor(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        takes = "a plain number of more than 0 such as 60"
        raise wrong(f"{value!r} is not {takes}" if _plain(value) else f"this is not {takes}", takes)
    return float(value)


def _is_base_url(value: str) -> bool:
    if not value.isascii() or re.search(r"[\x00-\x20\x7f?#\\]", value):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and port != 0


def _is_host_port(value: str) -> bool:
    return "/" not in value and _is_base_url(f"http://{value}") and urlsplit(f"http://{value}").port is not None


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise wrong(f"{name!r} is not a header's name", "a header's name")
    if name.lower() in map(str.lower, RESERVED_HEADERS):
        raise wrong(f"{name} is set by syncload for every request; leave it out", "another header")
    return name


Given = BeforeValidator(_given)
Text = Annotated[str, Field(strict=True), _checked(lambda text: bool(text.strip()), "a text that says something")]
Rate = Annotated[float, _of(Kind.RATE)]
RateOrNone = Annotated[float, _of(Kind.RATE, positive=False)]
Seconds = Annotated[float, _of(Kind.TIME, 1000)]
SecondsOrNone = Annotated[float, _of(Kind.TIME, 1000, positive=False)]
Milliseconds = Annotated[float, _of(Kind.TIME, positive=False)]
Percent = Annotated[float, _of(Kind.SHARE)]
Share = Annotated[float, BeforeValidator(_share)]
Factor = Annotated[float, BeforeValidator(_factor)]
Whole = Annotated[int, BeforeValidator(_whole)]
BaseUrl = Annotated[
    str,
    _checked(_is_base_url, "an address such as 'https://api.example.com': http or https, no user, query or fragment"),
]
HostPort = Annotated[str, _checked(_is_host_port, "a host and port such as '127.0.0.1:9099'")]
UrlPath = Annotated[
    str,
    _checked(
        lambda text: bool(re.fullmatch(r"/[!-\"$-~]*", text)),
        "a path such as '/v1/jobs': it starts with / and holds no space or fragment; percent-encode the rest",
    ),
]
Statistic = Annotated[
    str,
    _checked(
        lambda text: bool(_STATISTIC.fullmatch(text)), "a CloudWatch statistic such as Sum, Average, p95, PR(:500)"
    ),
]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[
    str,
    _checked(
        lambda text: bool(re.fullmatch(r"[\t -~]*", text)) and text == text.strip(),
        "a header's value: one line of ASCII without space around it",
    ),
]


def generators(value: Any) -> int:
    """``auto`` is 0, else the number of processes."""
    if value == "auto":
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1024:
        shown = f"{value!r} is neither" if _plain(value) else "this is neither"
        raise wrong(f"{shown} 'auto' nor a number of processes from 1 to 1024", "'auto' or a number from 1 to 1024")
    return value


def failed_share(text: str) -> str:
    """The condition that ends a climb: ``failed > 1 %``."""
    name, _, rest = text.strip().partition(" ")
    takes = "a condition such as 'failed > 1 %'"
    if name != "failed":
        raise wrong(f"{text!r} is not {takes}", takes)
    if target(rest.strip(), Kind.SHARE).op not in (">", ">="):
        raise wrong(f"{text!r} would end the climb while it holds; write {takes}", takes)
    return text.strip()


def seed(value: int) -> int:
    """Any whole number that fits 64 bits, so that every process can be handed it."""
    if not 0 <= value < 2**63:
        raise wrong(f"{value} is not a seed from 0 to 2^63 - 1", "a seed from 0 to 2^63 - 1")
    return value

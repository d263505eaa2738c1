"""The types of slo.yaml's values: quantities, targets, addresses, headers. Each turns text into canonical units.

Every refusal is a `PydanticCustomError` whose context has ``what`` (may show the text) and ``takes`` (never does: it
stands alone where the text came from a `${VAR}`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from pytest_syncload.facts import units
from pytest_syncload.facts.catalogue import OPERATIONS
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.override import REFERENCE
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.units import EXAMPLE, Kind, UnitError
from pytest_syncload.spec import forms

# Longer text is no quantity, and the units' patterns are not made for it.
_LONGEST_QUANTITY = 64

# CloudWatch is read for fifteen minutes after a hold at most, and its last minute may arrive some minutes late.
LONGEST_DRAIN_S = 600.0
# Firebase's ID tokens live so long.
LONGEST_TOKEN_LIFE_S = 3600
# As many tasks as the sandbox's service runs.
MOST_BAD_TASKS = 4

_STATISTIC = (
    r"(?:Average|Sum|Minimum|Maximum|SampleCount|IQM"
    r"|(?:p|tm|wm|tc|ts)(?:100|\d{1,2}(?:\.\d{1,10})?)|(?:TM|WM|TC|TS|PR)\([\d.%:]+\))"
)
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PATH = r'/[!-"$-~]*'
_ROUTE = r"[A-Z]+ /[^\s]*"
_HEADER_VALUE = r"[\t -~]*"
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


def checked(form: Callable[[str], bool], takes: str) -> AfterValidator:
    """Refuses text that is not of this form."""

    def check(value: str) -> str:
        if not form(value):
            raise wrong(f"{value!r} is not {takes}", takes)
        return value

    return AfterValidator(check)


def _minutes(value: Any) -> float:
    seconds = amount(value, Kind.TIME) / 1000
    if seconds < MINUTE or seconds % MINUTE:
        raise wrong(f"{value!r} is not whole minutes; CloudWatch has one value a minute", "whole minutes such as '3m'")
    return seconds


def _token_life(value: Any) -> int:
    seconds = amount(value, Kind.TIME) / 1000
    if not 1 <= seconds <= LONGEST_TOKEN_LIFE_S or seconds % 1:
        raise wrong(
            f"{value!r} is not whole seconds from 1s to 1h; JWT times are whole seconds, and Firebase's tokens live 1h",
            "whole seconds from 1s to 1h such as '5s'",
        )
    return int(seconds)


def _drain(seconds: float) -> float:
    if seconds > LONGEST_DRAIN_S:
        raise wrong(
            "this is longer than 10m, and CloudWatch is read for some minutes after the hold only; write 10m or less",
            "whole minutes, 10m or less",
        )
    return seconds


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**63:
        raise wrong(f"{value!r} is not a whole number from 1" if is_plain(value) else "not a number", "a number from 1")
    return value


def _tasks(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_BAD_TASKS:
        takes = f"a whole number of tasks from 0 to {MOST_BAD_TASKS}"
        raise wrong(f"{value!r} is not {takes}" if is_plain(value) else f"this is not {takes}", takes)
    return value


def is_plain(value: Any) -> bool:
    """Whether a message may show the value: a scalar. What stands inside a container may be a variable's."""
    return isinstance(value, (str, int, float))


def _factor(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        takes = "a plain number of more than 0 such as 60"
        raise wrong(f"{value!r} is not {takes}" if is_plain(value) else f"this is not {takes}", takes)
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


def is_host_port(value: str) -> bool:
    """Whether it is a host and a port, without a scheme."""
    return "/" not in value and _is_base_url(f"http://{value}") and urlsplit(f"http://{value}").port is not None


def _header_name(name: str) -> str:
    if not re.fullmatch(_TOKEN, name):
        raise wrong(f"{name!r} is not a header's name", "a header's name")
    if name.lower() in map(str.lower, RESERVED_HEADERS):
        raise wrong(f"{name} is set by syncload for every request; leave it out", "another header")
    return name


def _key_header_name(name: str) -> str:
    if name.lower() in map(str.lower, RESERVED_HEADERS) and name.lower() != "idempotency-key":
        raise wrong(f"{name} has another meaning in every request; name the key's own header", "the key's own header")
    return name


Given = BeforeValidator(_given)
Text = Annotated[
    str, Field(strict=True), checked(lambda text: bool(text.strip()), "a text that says something"), forms.TEXT
]
Rate = Annotated[float, _of(Kind.RATE), forms.quantity(Kind.RATE)]
Money = Annotated[float, _of(Kind.MONEY), forms.quantity(Kind.MONEY)]
RateOrNone = Annotated[float, _of(Kind.RATE, positive=False), forms.quantity(Kind.RATE)]
Seconds = Annotated[float, _of(Kind.TIME, 1000), forms.quantity(Kind.TIME)]
SecondsOrNone = Annotated[float, _of(Kind.TIME, 1000, positive=False), forms.quantity(Kind.TIME)]
Minutes = Annotated[float, BeforeValidator(_minutes), forms.quantity(Kind.TIME, "3m")]
Drain = Annotated[float, BeforeValidator(_minutes), AfterValidator(_drain), forms.quantity(Kind.TIME, "5m")]
TokenLife = Annotated[int, BeforeValidator(_token_life), forms.quantity(Kind.TIME, "5s")]
Milliseconds = Annotated[float, _of(Kind.TIME, positive=False), forms.quantity(Kind.TIME)]
Percent = Annotated[float, _of(Kind.SHARE), forms.quantity(Kind.SHARE, "10 %")]
Share = Annotated[float, BeforeValidator(_share), forms.quantity(Kind.SHARE)]
Factor = Annotated[float, BeforeValidator(_factor), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer", "minimum": 1})]
Tasks = Annotated[
    int, BeforeValidator(_tasks), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MOST_BAD_TASKS})
]
BaseUrl = Annotated[
    str,
    checked(_is_base_url, "an address such as 'https://api.example.com': http or https, no user, query or fragment"),
    forms.text(r"[hH][tT][tT][pP][sS]?://[^\s?#]+", "an address such as 'https://api.example.com'"),
]
HostPort = Annotated[
    str,
    checked(is_host_port, "a host and port such as '127.0.0.1:9099'"),
    forms.text(r"[^\s/]+:\d+", "a host and port such as '127.0.0.1:9099'"),
]
Email = Annotated[
    str,
    checked(
        lambda text: bool(re.fullmatch(r"[^@\s]+@[^@\s]+", text)), "an e-mail address such as 'load-{i}@example.com'"
    ),
    forms.text(r"[^@\s]+@[^@\s]+", "an e-mail address", "load-{i}@example.com"),
]
UrlPath = Annotated[
    str,
    checked(
        lambda text: bool(re.fullmatch(_PATH, text)),
        "a path such as '/v1/jobs': it starts with / and holds no space or fragment; percent-encode the rest",
    ),
    forms.text(_PATH, "a path such as '/v1/jobs'"),
]
Route = Annotated[
    str,
    checked(
        lambda text: bool(re.fullmatch(_ROUTE, text)),
        "a method and a path as API Gateway has them, such as 'POST /v1/sync-jobs'",
    ),
    forms.text(_ROUTE, "a method and a path", "POST /v1/sync-jobs"),
]
Operation = Annotated[
    str,
    checked(lambda text: text in OPERATIONS, "an operation on a DynamoDB table such as PutItem"),
    WithJsonSchema(forms.words(*OPERATIONS)),
]
Reference = Annotated[
    str,
    checked(lambda text: bool(REFERENCE.fullmatch(text)), "a module and a function such as 'loadtest.values:row'"),
    forms.text(r"[^:]+:[^:]+", "a module and a function", "loadtest.values:row"),
]
Statistic = Annotated[
    str,
    checked(
        lambda text: bool(re.fullmatch(_STATISTIC, text, re.ASCII)),
        "a CloudWatch statistic such as Sum, Average, p95, PR(:500)",
    ),
    forms.text(_STATISTIC, "a CloudWatch statistic", "Sum", "Average", "Maximum", "p95", "PR(:500)"),
]
HeaderName = Annotated[str, AfterValidator(_header_name), WithJsonSchema({"type": "string", "pattern": f"^{_TOKEN}$"})]
AnyHeaderName = Annotated[
    str,
    checked(lambda text: bool(re.fullmatch(_TOKEN, text)), "a header's name"),
    WithJsonSchema({"type": "string", "pattern": f"^{_TOKEN}$"}),
]
KeyHeaderName = Annotated[
    str,
    checked(lambda text: bool(re.fullmatch(_TOKEN, text)), "a header's name"),
    AfterValidator(_key_header_name),
    forms.text(_TOKEN, "a header's name"),
]
HeaderValue = Annotated[
    str,
    checked(
        lambda text: bool(re.fullmatch(_HEADER_VALUE, text)) and text == text.strip(),
        "a header's value: one line of ASCII without space around it",
    ),
    forms.text(_HEADER_VALUE, "one line of ASCII"),
]


def generators(value: Any) -> int:
    """``auto`` is 0, else the number of processes. A fleet of others, a mapping, is read as a piece of its own."""
    if value == "auto" or isinstance(value, dict):
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1024:
        shown = f"{value!r} is neither" if is_plain(value) else "this is neither"
        raise wrong(f"{shown} 'auto' nor a number of processes from 1 to 1024", "'auto' or a number from 1 to 1024")
    return value


def failed_share(text: str) -> str:
    """The condition that ends a climb: ``failed > 1 %``."""
    name, _, rest = text.strip().partition(" ")
    takes = "a condition such as 'failed > 1 %'"
    if name != "failed":
        raise wrong(f"{text!r} is not {takes}", takes)
    limit = target(rest.strip(), Kind.SHARE)
    if limit.op == ">=":
        raise wrong(f"{text!r} has a sign that is not taken; write {takes}", takes)
    if limit.op != ">":
        raise wrong(f"{text!r} would end the load while it holds; write {takes}", takes)
    if limit.value >= 100:
        raise wrong(f"{text!r} is never met, as no more than 100 % can fail; write {takes}", takes)
    return text.strip()


def share_of_failed(condition: str) -> float:
    """The percentage in a condition that `failed_share` has let pass."""
    return target(condition.strip().removeprefix("failed").strip(), Kind.SHARE).value


def regression(value: Any) -> Target:
    """By how much a row may be worse than in the compared run: ``< 10 %``."""
    limit = target(value, Kind.SHARE)
    takes = "a limit such as '< 10 %'"
    if limit.op not in ("<", "<="):
        raise wrong(f"{limit.text!r} would ask for it to get worse; write {takes}", takes)
    if not limit.value:
        raise wrong(f"{limit.text!r} leaves no room for noise, which every two runs differ by; write {takes}", takes)
    return limit


def seed(value: int) -> int:
    """Any whole number that fits 64 bits, so that every process can be handed it."""
    if not 0 <= value < 2**63:
        raise wrong(f"{value} is not a seed from 0 to 2^63 - 1", "a seed from 0 to 2^63 - 1")
    return value

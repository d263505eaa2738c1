"""What a conftest.py may say in place of slo.yaml: `syncload_identities`, a function that gives who is to sign in, and
`syncload_request`, one that gives the request of every arrival as a `RequestTemplate`.

Such a function takes nothing and may carry `@pytest.fixture`. It gives "module:function", or an object that can be
pickled, because load runs in processes of its own. Only conftest files of rootdir or above the given paths are seen:
those that pytest has loaded before it collects.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from json import dumps
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import RequestTemplate, Spec
from pytest_syncload.spec import idempotency_check
from pytest_syncload.spec.phase_schema import Limit
from pytest_syncload.spec.request_check import of_module, refusals

IDENTITIES = "syncload_identities"
REQUEST = "syncload_request"
_TEMPLATE = TypeAdapter(RequestTemplate)


def overridden(spec: Spec, config: pytest.Config) -> Spec:
    """The plan with what the conftest files say. Raises `pytest.UsageError`."""
    identities = override(config, IDENTITIES)
    request = override(config, REQUEST)
    if request is not None:
        spec = _with_request(spec, request)
    return spec if identities is None else replace(spec, identities=identities)


def _with_request(spec: Spec, given: Override) -> Spec:
    """The plan with this request. It is made here, for everything that asks what is sent, and told apart by all of it;
    where a function makes it, every generator makes it again."""
    try:
        template = _template(spec, given)
        told_apart = digest(template, spec.file.parent)
    except Refused as error:
        raise pytest.UsageError(f"syncload: {error}") from None
    return replace(spec, request=template, request_from=replace(given, pickled=None), request_digest=told_apart)


def _template(spec: Spec, given: Override) -> RequestTemplate:
    made = replace(given, paths=(str(spec.file.parent), *given.paths)).load()
    if given.reference is not None:
        try:
            made = made()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's own code, which may raise anything
            raise Refused(f"{given.name}: {given.reference} raised {type(error).__name__}") from None
    if not isinstance(made, RequestTemplate):
        raise Refused(f"{given.name} gave an object of type {type(made).__name__}, and no RequestTemplate")
    try:
        template = _TEMPLATE.validate_python(asdict(made))
        dumps([template.json, [feeder.rows for feeder in template.feeders]], allow_nan=False)
        _TEMPLATE.dump_json(template)  # half a surrogate pair is refused by this alone
        wrong = [*refusals(template), *_beside_the_rows(template, spec)]
    except (ValueError, TypeError) as error:  # pydantic's are ValueErrors
        # Its words would show values, which may be secrets.
        raise Refused(
            f"{given.name} gave a RequestTemplate that no generator can be handed, as JSON ({type(error).__name__}): "
            "method and path are text, headers pairs of text, json and rows what JSON can say"
        ) from None
    if wrong:
        raise Refused(f"{given.name} gave a request that cannot be sent: " + "; ".join(wrong))
    return template


def digest(template: RequestTemplate, folder: Path) -> str:
    """Tells the request apart, the modules of its feeders' functions included. A hash: it may hold secrets."""
    functions = [of_module(feeder.function, folder) for feeder in template.feeders if feeder.function is not None]
    return hashlib.sha256(b"\n".join([_TEMPLATE.dump_json(template), *map(str.encode, functions)])).hexdigest()


def _beside_the_rows(template: RequestTemplate, spec: Spec) -> Iterator[str]:
    """What does not fit between the request and the rest of slo.yaml, ``max_rate`` among it."""
    target, limit = spec.environment, None
    if target.max_rate_per_s is not None and spec.rejudged is None:
        limit = Limit(
            environment=target.name,
            max_rate=target.max_rate_per_s,
            rate_scale=1.0 if target.sandbox is None else target.sandbox.rate_scale,
            shown=f"{target.max_rate_per_s:g}/s",
        )
    rows = {phase.name: {"slos": {row.name: {"metric": row.metric} for row in phase.slos}} for phase in spec.phases}
    for path, what in idempotency_check.of_the_rows(template, spec.phases, rows, limit):
        yield f"{'.'.join(map(str, path))}: {what}"


def refuse_late(spec: Spec, config: pytest.Config) -> None:
    """Raise `Refused` where collection has loaded a conftest.py that says something in place of slo.yaml, which was
    read before: what it says would be left out without a word."""
    for name, taken in ((IDENTITIES, spec.identities), (REQUEST, spec.request_from)):
        late = _defining(config, name)[0 if taken is None else 1 :]
        if late:
            raise Refused(
                f"{late[-1][0]} defines {name}, and was found when tests were collected, after slo.yaml was read; move "
                "it to the conftest.py beside slo.yaml"
            )


def _defining(config: pytest.Config, name: str) -> list[tuple[Path, Any]]:
    """The conftest files that pytest has loaded and that define ``name``, each with what it is."""
    return [
        (Path(file), function)
        for plugin in config.pluginmanager.get_plugins()
        if (file := getattr(plugin, "__file__", None)) and Path(file).name == "conftest.py"
        if (function := getattr(plugin, name, None)) is not None
    ]


def override(config: pytest.Config, name: str) -> Override | None:
    """What the function ``name`` of a conftest.py gives, None where there is none. Raises `pytest.UsageError`."""
    found = _defining(config, name)
    if not found:
        return None
    if len(found) > 1:
        files = ", ".join(sorted(str(file) for file, _ in found))
        raise pytest.UsageError(f"syncload: {name} is defined {len(found)} times ({files}); keep one")
    ((file, function),) = found
    function = inspect.unwrap(function)  # what @pytest.fixture made of it
    where = f"{file.name}:{_line(function)}"
    try:
        return Override.of(f"{name} ({where})", _called(function, name, where))
    except Refused as error:
        raise pytest.UsageError(f"syncload: {error}") from None


def _called(function: Callable[[], Any], name: str, where: str) -> Any:
    if not callable(function) or inspect.isclass(function):
        raise Refused(f"{name} ({where}) is no function; write one that takes nothing")
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise Refused(f"{name} ({where}) must return what it gives: it cannot yield, nor be async")
    if inspect.signature(function).parameters:
        raise Refused(f"{name} ({where}) takes arguments, but is called before there are fixtures; let it take none")
    try:
        return function()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's own code, which may raise anything
        # The message of somebody else's error may hold a secret.
        raise Refused(f"{name} ({where}) raised {type(error).__name__}; call it by itself to see why") from None


def _line(function: object) -> int | str:
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if code is not None else "?"

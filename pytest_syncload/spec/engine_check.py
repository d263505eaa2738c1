"""What of a plan k6 cannot do, each with its place in slo.yaml and what to do: never silently something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_syncload.facts.plan import ANY, Engine, Phase, RequestTemplate
from pytest_syncload.spec.nodes import Path
from pytest_syncload.spec.schema import LoadModel

_OTHERWISE = "or use engine: built-in"
#: Beyond this, JavaScript does not tell a whole number from its neighbours.
_SAFE_INTEGER = 2**53 - 1


def beyond_k6(
    load: LoadModel, template: RequestTemplate | None, phases: Iterable[Phase], *, has_fleet: bool = False
) -> Iterator[tuple[Path, str]]:
    """All of it; nothing where our own engine offers the load, but that it has no virtual users."""
    if Engine(load.engine) is not Engine.K6:
        if load.vus is not None:
            yield ("load", "vus"), "virtual users are k6's; leave vus out, or say engine: k6"
        return
    yield from _of_load(load, has_fleet)
    for phase in phases:
        if phase.climb is not None:
            what = (
                f"k6 is told its rates before it starts, and a climb finds them on its way; hold a rate, {_OTHERWISE}"
            )
            yield ("phases", phase.name, "climb"), what
    if template is not None:
        yield from _of_request(template)


def _of_load(load: LoadModel, has_fleet: bool) -> Iterator[tuple[Path, str]]:
    if load.arrivals == "poisson":
        yield ("load", "arrivals"), f"k6 spaces arrivals evenly; leave poisson out, {_OTHERWISE}"
    if load.transport != "built-in":
        yield ("load", "transport"), f"k6 carries requests by its own stack; leave transport out, {_OTHERWISE}"
    if load.generators or has_fleet:
        yield (
            ("load", "generators"),
            f"k6 is one process, of as many cores as there are; leave generators out, {_OTHERWISE}",
        )


def _of_request(template: RequestTemplate) -> Iterator[tuple[Path, str]]:
    if template.idempotency.verify_percent:
        yield (
            ("request", "idempotency", "verify"),
            f"k6 sends no request beside its arrivals, so nothing would be checked; leave verify and its rows out, "
            f"{_OTHERWISE}",
        )
    for feeder in template.feeders:
        if feeder.function is not None:
            what = f"this is a Python function, and k6 runs none; write its rows to a file (jsonl), {_OTHERWISE}"
            yield ("request", "feeders", feeder.name, "function"), what
    for path, number in _whole_numbers(template.expect_json, ("request", "expect", "json")):
        if abs(number) > _SAFE_INTEGER:
            what = f"k6's JavaScript does not tell {number} from the numbers beside it; expect {ANY}, {_OTHERWISE}"
            yield path, what


def _whole_numbers(value: object, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(value, int):
        yield path, value
    elif isinstance(value, list):
        for at, child in enumerate(value):
            yield from _whole_numbers(child, (*path, at))
    elif hasattr(value, "items"):
        for name, child in value.items():
            yield from _whole_numbers(child, (*path, name))

"""False greens by other traffic: a window, or requests, that are not this load's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_syncload.facts.plan import RawQuery, Target
from pytest_syncload.facts.result import Invalidity, Outcome, Side, Tally, Window
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import Answer
from pytest_syncload.verdict import judge
from tests.false_greens.cloud import FAST, SLOW, Cloud, Samples, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_absence import REQUIRED, RULING, SETTLE, none_missing, nothing
from tests.rows import ERRORS, LATENCY, THROTTLES

#: What takes the samples of others for this load's.
_SAMPLES = {f"{REQUIRED}:require_samples_of_this_load": nothing}
_HOLES = {
    f"{SETTLE}:uncounted_minutes": nothing,
    f"{SETTLE}:missing_minutes": none_missing,
    f"{REQUIRED}:require_every_minute": nothing,
}
_UNRECONCILED = {f"{SETTLE}:unreconciled": nothing}
_RAMP: Samples = {20.0: 100}
_TOO_SLOW = "900 ms is not < 500 ms"


def _first_value(folded: Answer, minutes: Answer) -> float:
    return folded.values[0]


def _shifted(cloud: Cloud, minutes: float) -> Window:
    return Window(start=cloud.window.start + 60 * minutes, end=cloud.window.end + 60 * minutes)


def _minute_early(cloud: Cloud) -> Seen:
    """The slow minute is the load's last, and the window ends before it."""
    cloud.healthy({"Latency": [_RAMP, FAST, FAST, SLOW], "Count": [{1.0: 100}, *[{1.0: 600}] * 3]}, first=-1)
    return seen(cloud.verdict(LATENCY, load=cloud.load(window=_shifted(cloud, -1))), "counted 1300 requests")


def _minute_late(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [SLOW, FAST, FAST, _RAMP], "Count": [*[{1.0: 600}] * 3, {1.0: 100}]})
    return seen(cloud.verdict(LATENCY, load=cloud.load(window=_shifted(cloud, 1))), "counted 1300 requests")


def _between_minutes(cloud: Cloud) -> Seen:
    """Half of the first minute and half of the fourth: CloudWatch begins at the first, and leaves the fourth over."""
    halves: list[Samples] = [{20.0: 300}, FAST, FAST, {900.0: 300}]
    counts: list[Samples] = [{1.0: 300}, {1.0: 600}, {1.0: 600}, {1.0: 300}]
    cloud.healthy({"Latency": halves, "Count": counts})
    load = cloud.load(window=_shifted(cloud, 0.5))
    return seen(cloud.verdict(LATENCY, load=load), "of the window's 3 minutes")


def _point_outside(cloud: Cloud) -> Seen:
    """A floor: 1,800 writes must have been made, and a minute before the hold makes up for what was not."""

    def earlier(operation: str, request: Any, answer: Any) -> None:
        for result in answer.get("MetricDataResults", ()):
            query = request["MetricDataQueries"][int(result["Id"][1:])]["MetricStat"]
            if query["Metric"]["MetricName"] == "ConsumedWriteCapacityUnits" and query["Stat"] == "Sum":
                result["Timestamps"].insert(0, cloud.window.start - 60)
                result["Values"].insert(0, 900.0)

    table = (("TableName", "sync-jobs"),)
    writes = RawQuery(namespace="AWS/DynamoDB", name="ConsumedWriteCapacityUnits", dimensions=table)
    enough = Target(op=">=", value=1800.0, kind=Kind.COUNT, text=">= 1800")
    row = replace(THROTTLES, metric=None, query=writes, alive=writes, statistic="Sum", target=enough)
    cloud.healthy({"ConsumedWriteCapacityUnits": [{1.0: 400}] * 3})
    cloud.rewrite = earlier
    return seen(cloud.verdict(row), "points outside the window")


def _idle_minute(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [{20.0: 900}, None, {20.0: 900}], "Count": [{1.0: 900}, None, {1.0: 900}]})
    return seen(cloud.verdict(LATENCY), "2 of the window's 3 minutes")


def _foreign(cloud: Cloud) -> Seen:
    """Three in ten of ours are slow; ten times as many of somebody else's are not."""
    mixed: Samples = {20.0: 6420, 900.0: 180}
    cloud.healthy({"Latency": [mixed] * 3, "Count": [{1.0: 6600}] * 3})
    return seen(cloud.verdict(LATENCY), "does something else call it")


def _elsewhere(cloud: Cloud) -> Seen:
    """The slow half of the requests went to another stage."""
    cloud.healthy({"Latency": [{20.0: 300}] * 3, "Count": [{1.0: 300}] * 3})
    return seen(cloud.verdict(LATENCY), "counted 900 requests where this load put 1800")


def _uncounted(cloud: Cloud) -> Seen:
    """Of the slow requests there is no latency."""
    cloud.healthy({"Latency": [{20.0: 420}] * 3})
    return seen(cloud.verdict(LATENCY), "does not speak of this load")


def _client_saw(outcome: Outcome, **more: int) -> Any:
    def scenario(cloud: Cloud) -> Seen:
        cloud.healthy()
        tally = Tally(outcomes={Outcome.OK: 1782, outcome: 18}, **more)
        return seen(cloud.verdict(ERRORS, load=cloud.load(hold=tally)), "1 % is not < 0.1 %")

    return scenario


def _client_saw_nothing(cloud: Cloud) -> Seen:
    cloud.healthy()
    return seen(cloud.verdict(ERRORS, load=cloud.load(hold=Tally())), "the load saw no answer at all")


def _other_observation(cloud: Cloud) -> Seen:
    """An hour ago all was well."""
    cloud.healthy()
    earlier = cloud.verdict(LATENCY).observation
    assert earlier is not None
    later = cloud.load(window=_shifted(cloud, 60))
    return seen(judge(earlier, later, None), "of another window than the phase's hold")


def _invalid_phase(cloud: Cloud) -> Seen:
    cloud.healthy()
    cut = Invalidity(side=Side.GENERATOR, what="a generator was lost")
    return seen(cloud.verdict(LATENCY, load=cloud.load(invalid=(cut,))), "a generator was lost")


def _few_samples(cloud: Cloud) -> Seen:
    """Of 1,800 requests, fewer than two lie beyond p99.9."""
    cloud.healthy()
    return seen(cloud.verdict(replace(LATENCY, statistic="p99.9")), "this row needs 10000")


def _few_requests(cloud: Cloud) -> Seen:
    """300 requests, of which none failed; one would have been 0.33 %."""
    hundred: list[Samples] = [{1.0: 100}] * 3
    cloud.healthy({"Count": hundred, "5XXError": [{0.0: 100}] * 3})
    load = cloud.load(wire_requests=300, scheduled_in_hold=300, hold=Tally(outcomes={Outcome.OK: 300}))
    return seen(cloud.verdict(ERRORS, load=load), "300 samples stand behind the value, and this row needs 1000")


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


_WORSE = {"pytest_syncload.sources.fold:worse_view": lambda views: views["CloudWatch"]}

ENTRIES = (
    _entry(
        "the window a minute early",
        "The slow last minute is not in it; a minute of the ramp is.",
        _minute_early,
        {**_UNRECONCILED, **_SAMPLES},
    ),
    _entry(
        "the window a minute late",
        "The slow first minute is not in it; a minute of the end is.",
        _minute_late,
        {**_UNRECONCILED, **_SAMPLES},
    ),
    _entry(
        "the window not on whole minutes",
        "CloudWatch rounds its start down, folds the rest to a second point, and the first is judged.",
        _between_minutes,
        {
            **_HOLES,
            f"{REQUIRED}:require_inside_window": nothing,
            f"{REQUIRED}:value_of_the_window": _first_value,
        },
    ),
    _entry(
        "a point outside the window",
        "What was done before the hold is added to what was done in it.",
        _point_outside,
        {f"{REQUIRED}:require_inside_window": nothing},
    ),
    _entry(
        "idle minutes inside the window",
        "The load paused for a minute, so the target was given time to recover.",
        _idle_minute,
        _HOLES,
    ),
    _entry(
        "foreign traffic in the count",
        "Ten times as many fast requests of somebody else hide the slow ones.",
        _foreign,
        {**_UNRECONCILED, **_SAMPLES},
    ),
    _entry(
        "traffic missing from the count",
        "Half of the requests went where nobody looks.",
        _elsewhere,
        {**_UNRECONCILED, **_SAMPLES},
    ),
    _entry(
        "a latency of other requests",
        "The requests are counted, and the slow ones have no latency.",
        _uncounted,
        _SAMPLES,
    ),
    _entry(
        "timeouts that CloudWatch never saw",
        "The client gave up; API Gateway counts what it answered in the end.",
        _client_saw(Outcome.TIMEOUT),
        _WORSE,
    ),
    _entry(
        "connect failures that CloudWatch never saw",
        "What never arrived is no 5xx.",
        _client_saw(Outcome.CONNECT_ERROR),
        _WORSE,
    ),
    _entry(
        "answers cut short that CloudWatch never saw",
        "The answer broke off on its way, after it was counted as a good one.",
        _client_saw(Outcome.PROTOCOL_ERROR),
        _WORSE,
    ),
    _entry(
        "429 answers",
        "What is throttled away is a 4xx, and the rest is fast.",
        _client_saw(Outcome.UNEXPECTED_STATUS, throttled=18),
        _WORSE,
    ),
    _entry(
        "arrivals dropped at the in-flight cap",
        "What the target was too slow to take was never sent, so it never failed.",
        _client_saw(Outcome.DROPPED),
        _WORSE,
        "k6 counts them as dropped_iterations, and no threshold looks at those by itself (k6#2837)",
    ),
    _entry(
        "a load that saw no answer",
        "CloudWatch counted somebody's requests, and of its own answers the load knows nothing.",
        _client_saw_nothing,
        {f"{REQUIRED}:client_failures": lambda result: 0.0},
    ),
    _entry(
        "the observation of another window",
        "What was measured an hour ago is judged for this load.",
        _other_observation,
        {f"{RULING}:another_window": nothing},
    ),
    _entry(
        "an invalid phase",
        "A generator was lost, and CloudWatch's figures of the rest are fine.",
        _invalid_phase,
        {f"{RULING}:invalid_phase": nothing},
    ),
    _entry(
        "too few samples behind a percentile",
        "p99.9 of 1,800 requests is the second largest of them.",
        _few_samples,
        {f"{RULING}:too_few_samples": nothing},
    ),
    _entry(
        "a share of almost nothing",
        "Of 300 requests none failed, so fewer than one in a thousand did.",
        _few_requests,
        {f"{RULING}:too_few_samples": nothing},
    ),
)

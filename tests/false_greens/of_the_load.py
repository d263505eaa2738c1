"""False greens of load and generator: what was not sent, what came back wrong, what was counted away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_syncload.conductor.carrying import job_of
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import SpecError
from pytest_syncload.facts.plan import ANY, Firebase
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.columns import Column, Mask
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.recorder import latency_from_due_ms
from pytest_syncload.load.snapshot import Merged
from tests.conductor.plans import REAL, phase, spec
from tests.conductor.plans import REQUEST as POST
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.offering import (
    LONG_AGO_S,
    REQUEST,
    Storing,
    Users,
    answer,
    failed_without,
    failed_without_429,
    judged,
    judged_by_latency,
    offer,
    offered,
    shard_of,
    summed,
)
from tests.load.scripted import OK, End, Step, free_port
from tests.rows import LATENCY, THROTTLES
from tests.spec.plans import SMALL, read_text

FAILED = "pytest_syncload.facts.result:Tally.failed"
_VALIDITY = "pytest_syncload.load.validity"


def nothing(*_: Any) -> None:
    """A check that finds nothing wrong."""


def half_unsent() -> Seen:
    async def scenario() -> Seen:
        async with Storing() as target:
            shard, merged = shard_of(target.url, shards=2, request=POST), Merged()
            report = await offer(shard, merged)
            # The second generator sent none of its half, and has no idea.
            return judged(summed(shard, merged, [report, replace(report, index=1, sent=0)]), THROTTLES)

    return asyncio.run(scenario())


def same_half_twice() -> Seen:
    async def scenario() -> Seen:
        async with Storing() as target:
            shard, merged = shard_of(target.url, shards=2, request=POST), Merged()
            return judged(summed(shard, merged, [await offer(shard, merged), await offer(shard, merged)]))

    return asyncio.run(scenario())


def keys_of_an_earlier_run(tmp_path: Path) -> Seen:
    async def scenario() -> Seen:
        async with Storing() as target:
            environment = replace(REAL, base_url=target.url, firebase=Firebase(api_key="k", project="p"))
            ground = Ground(environment=environment, clock=ServiceClock.starting_now())
            pacer = Pacer(rate_per_s=1000.0, ramp_s=0.0, hold_s=0.1)
            for target.broken in (False, True):
                folder = RunFolder.named_now(tmp_path)
                shard = job_of(spec(), phase("peak"), ground, folder, pacer, 0, 1, 100).shard
                merged = Merged()
                result = summed(shard, merged, [await offer(shard, merged)])
            return judged(result)

    return asyncio.run(scenario())


def timeouts_among_answers() -> Seen:
    one_in_ten = [(OK,) if number % 10 else (End.HOLD,) for number in range(100)]
    # Far beyond what a busy machine may take for the others.
    return judged_by_latency(offered(*one_in_ten, timeout_s=5.0), limit_ms=4900)


def timeouts_at_nothing(done_at: Column, timed_out: Mask, due_at: Column, timeout_ms: float) -> Column:
    return np.where(timed_out, 0.0, _LATENCY(done_at, timed_out, due_at, timeout_ms))


def latency_from_the_send(done_at: Column, timed_out: Mask, _: Column, timeout_ms: float) -> Column:
    # The load of that entry ends within milliseconds of its send.
    return _LATENCY(done_at, timed_out, done_at, timeout_ms)


_LATENCY = latency_from_due_ms

#: Far longer than the load lasts where the target has gone.
LONG = Pacer(rate_per_s=500.0, ramp_s=0.0, hold_s=20.0)
#: As long, at a rate that a busy machine keeps up with.
SLOW = Pacer(rate_per_s=100.0, ramp_s=0.0, hold_s=20.0)

#: The first request is never answered; once 99 were, all have been sent.
ONE_HOLDS: tuple[tuple[Step, ...], ...] = ((End.HOLD,), (OK,))


async def wait_for_all_but_one(loop: Any, _: asyncio.Event) -> bool:
    while loop.in_flight > 1:  # noqa: ASYNC110  # as the guard itself does
        await asyncio.sleep(0.01)
    return False


def expects_429(tmp_path: Path) -> Seen:
    try:
        plan = read_text(tmp_path, SMALL.replace("path: /", "path: /, method: PUT, expect: {status: 429}"))
    except SpecError:
        return Seen.ERROR
    return judged(offered((answer("429 Too Many Requests"),), request=plan.request))


def _load(name: str, mistake: str, scenario: Any, guards: dict[str, Any], **rest: Any) -> Entry:
    return Entry(name=name, mistake=mistake, scenario=scenario, guards=guards, through=Through.SOCKETS, **rest)


def _wanting(**expect: Any) -> Any:
    return replace(REQUEST, **expect)


NOT_REACHED = {f"{_VALIDITY}:not_reached": nothing}
UNSENT: tuple[Entry, ...] = (
    _load(
        "half of the arrivals unsent",
        "One of two generators sends nothing, and the rows are green at half of the rate.",
        half_unsent,
        {f"{_VALIDITY}:offered_too_little": nothing},
        peers="k6: a run whose arrivals were dropped passes unless a threshold on dropped_iterations was written",
    ),
    _load(
        "two generators offer the same half",
        "Both send the same keys, so the target answers the second from its store and does half of the work.",
        same_half_twice,
        {f"{_VALIDITY}:same_answers": nothing},
    ),
    _load(
        "no arrival was due",
        "The hold's schedule is empty, no request fails, and zero failures are taken for a proof.",
        lambda: judged(offered((OK,), pacer=Pacer(rate_per_s=0.0, ramp_s=0.0, hold_s=0.2)), THROTTLES),
        {f"{_VALIDITY}:nothing_was_due": nothing},
        peers="k6 passes a threshold without samples; Locust's percentile of nothing is 0",
    ),
    _load(
        "dropped by the generator's own lag",
        "The generator is late, drops what it cannot send, and neither counts as the target's failure.",
        lambda: judged(offered((OK,), start_in_s=LONG_AGO_S, in_flight_cap=1)),
        {f"{_VALIDITY}:{name}": nothing for name in ("dropped_while_late", "offered_too_little", "lagged")}
        | NOT_REACHED,
    ),
    _load(
        "dropped at the in-flight cap",
        "The target is so slow that the cap is full, and arrivals that were never sent are left out of failed.",
        lambda: judged(offered((OK,), start_in_s=-1.0, in_flight_cap=5)),
        {FAILED: failed_without(Outcome.DROPPED)} | NOT_REACHED,
        peers="k6 counts dropped_iterations apart from http_req_failed",
    ),
    _load(
        "a rate that never reached the target",
        "Most arrivals find no room below the cap; what API Gateway saw was fast, at a fraction of the rate.",
        lambda: judged(offered((OK,), start_in_s=-1.0, in_flight_cap=5), LATENCY),
        NOT_REACHED,
    ),
    _load(
        "a generator that lags",
        "The generator hands arrivals over a minute late, in one burst, and the rate of the plan was never offered.",
        lambda: judged(offered((OK,), start_in_s=LONG_AGO_S)),
        {f"{_VALIDITY}:lagged": nothing},
    ),
    _load(
        "requests with expired tokens",
        "Refreshing fell behind, and the target lets expired tokens through, as its cache of verified ones is warm.",
        lambda: judged(offered((OK,), users=Users(expired=3))),
        {"pytest_syncload.load.engine:may_send": lambda *_: True},
    ),
    _load(
        "unsent for want of a token",
        "Refreshing fell behind, and who had no token sent nothing; the rest was fast, at less than the rate.",
        lambda: judged(offered((OK,), users=Users(expired=3))),
        {
            f"{_VALIDITY}:{name}": nothing
            for name in ("tokens_expired", "dropped_while_late", "offered_too_little", "not_reached")
        },
    ),
    _load(
        "the same key over two runs",
        "A second run repeats the Idempotency-Keys of the first, and a broken target answers from its store.",
        keys_of_an_earlier_run,
        {"pytest_syncload.conductor.carrying:key_prefix": lambda *_: "syncload-peak"},
        needs=("tmp_path",),
    ),
    _load(
        "stopped before the last answers",
        "A generator is stopped while its slowest requests are still open; those are nobody's failures.",
        lambda: judged(offered(*ONE_HOLDS, stop_when=lambda hold: hold[Outcome.OK] == 99)),
        {f"{_VALIDITY}:hold_cut_short": nothing, "pytest_syncload.conductor.phase:sent_but_not_counted": nothing},
    ),
    _load(
        "a target that went away",
        "It answered a while, then closed every connection; what API Gateway saw until then was fast.",
        lambda: judged(offered(*[(OK,)] * 300, (End.CLOSE,), pacer=SLOW), LATENCY),
        {f"{_VALIDITY}:{name}": nothing for name in ("closed_everything", "hold_cut_short", "offered_too_little")},
    ),
    _load(
        "the last answers not waited for",
        "The generator ends with its schedule, and the requests that would have timed out are not counted.",
        lambda: judged(offered(*ONE_HOLDS, timeout_s=0.7)),
        {
            "pytest_syncload.load.engine:wait_for_answers": wait_for_all_but_one,
            "pytest_syncload.conductor.phase:sent_but_not_counted": nothing,
        },
    ),
)

ANSWERS: tuple[Entry, ...] = (
    _load(
        "all answers are 401",
        "The tokens are not accepted; refusing is fast, and no refusal is a 5xx.",
        lambda: judged(offered((answer("401 Unauthorized"),))),
        {f"{_VALIDITY}:wrong_answers": nothing},
    ),
    _load(
        "all answers are 404",
        "The path is wrong; every answer is fast, and none is a 5xx.",
        lambda: judged(offered((answer("404 Not Found"),))),
        {f"{_VALIDITY}:wrong_answers": nothing},
    ),
    _load(
        "redirects taken for success",
        "A sign-in page is a redirect away, and everything below 400 counts as success.",
        lambda: judged(offered((answer("302 Found", "", "Location: /login"),))),
        {"pytest_syncload.load.outcome:is_expected_status": lambda status, _: status < 400},
        peers="k6 takes 200 to 399 for success unless told otherwise, and follows ten redirects",
    ),
    _load(
        "another success than the expected one",
        "A cache answers 200 where the service answers 202, and any 2xx counts.",
        lambda: judged(offered((OK,), request=_wanting(expect_status=202))),
        {"pytest_syncload.load.outcome:is_expected_status": lambda status, _: status < 300},
    ),
    _load(
        "429 is no failure",
        "The target sheds most of the load, and being throttled counts as the client's mistake.",
        lambda: judged(offered((answer("429 Too Many Requests"),))),
        {FAILED: failed_without_429},
    ),
    _load(
        "429 is expected",
        "request.expect names 429, so a target that refuses everything answers as wanted.",
        expects_429,
        {"pytest_syncload.spec.request_schema:can_be_right": lambda _: True},
        needs=("tmp_path",),
    ),
    _load(
        "200 with the wrong body",
        "The answer says in its body that the job failed, with the right status.",
        lambda: judged(offered((answer("200 OK", '{"error": "no"}'),), request=_wanting(expect_json={"job_id": ANY}))),
        {"pytest_syncload.load.outcome:body_fits": lambda *_: True},
    ),
    _load(
        "200 without the expected header",
        "A cache in front answers, which the missing header gives away, with the right status and body.",
        lambda: judged(offered((OK,), request=_wanting(expect_headers=(("X-Served-By", ANY),)))),
        {"pytest_syncload.load.outcome:Headers.fit": lambda *_: True},
    ),
    _load(
        "more inside than was expected",
        "The job says beside its id that it failed, and a nested object needs its expected members only.",
        lambda: judged(
            offered(
                (answer("200 OK", '{"job": {"id": "1", "error": "no"}}'),),
                request=_wanting(expect_json={"job": {"id": ANY}}),
            )
        ),
        {"pytest_syncload.load.outcome:fitting": lambda _: lambda value: value is not None},
    ),
    _load(
        "true taken for 1",
        "The answer has true where a count of 1 is expected, and to Python they are equal.",
        lambda: judged(offered((answer("200 OK", '{"left": true}'),), request=_wanting(expect_json={"left": 1}))),
        {"pytest_syncload.load.outcome:equal": lambda value, wanted: value == wanted},
    ),
    _load(
        "200 with somebody else's page",
        "A captive portal answers every request with its own page.",
        lambda: judged(offered((answer("200 OK", "<html>"),), request=_wanting(expect_json={"job_id": ANY}))),
        {"pytest_syncload.load.outcome:body_fits": lambda *_: True},
    ),
    _load(
        "the same job for every key",
        "The target answers each new Idempotency-Key with one and the same job, and does no work.",
        lambda: judged(offered((answer("202 Accepted", '{"job_id": "1"}'),), request=POST)),
        {f"{_VALIDITY}:same_answers": nothing},
    ),
    _load(
        "half an answer",
        "The connection ends in the middle of the answer, and its status alone counts as success.",
        lambda: judged(offered((b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", End.CLOSE))),
        {"pytest_syncload.load.connection:Connection._is_whole": lambda *_: True},
    ),
)

COUNTED_AWAY: tuple[Entry, ...] = (
    _load(
        "timeouts left out of failed",
        "A request without an answer has no status, so it is no error.",
        lambda: judged(offered((End.HOLD,), timeout_s=0.2)),
        {FAILED: failed_without(Outcome.TIMEOUT)},
    ),
    _load(
        "connect failures left out of failed",
        "Nobody listens, and what has no connection is not counted.",
        lambda: judged(offered(url=f"http://127.0.0.1:{free_port()}")),
        {FAILED: failed_without(Outcome.CONNECT_ERROR)} | NOT_REACHED,
    ),
    _load(
        "protocol errors left out of failed",
        "The target resets every connection, and a reset is no answer.",
        lambda: judged(offered((End.RESET,))),
        {FAILED: failed_without(Outcome.PROTOCOL_ERROR)},
    ),
    _load(
        "errors in front of API Gateway",
        "What stands before API Gateway answers 503, and API Gateway's own count has no 5xx.",
        lambda: judged(offered((answer("503 Service Unavailable"),))),
        {FAILED: failed_without(Outcome.SERVER_ERROR)},
    ),
    _load(
        "timeouts left out of percentiles",
        "One request in ten never ends, and p95 is that of the other nine.",
        timeouts_among_answers,
        {"pytest_syncload.load.recorder:latency_from_due_ms": timeouts_at_nothing},
    ),
    _load(
        "coordinated omission",
        "Latency counts from the actual send, so what waited to be sent did not wait.",
        lambda: judged_by_latency(offered((OK,), start_in_s=LONG_AGO_S), limit_ms=10_000),
        {
            "pytest_syncload.load.recorder:latency_from_due_ms": latency_from_the_send,
            f"{_VALIDITY}:lagged": nothing,
        },
        peers="closed-loop tools; of a stall of 1 s, Locust with 64 users reports a p99 of 201 ms where it was 938",
    ),
)

ENTRIES = (*UNSENT, *ANSWERS, *COUNTED_AWAY)

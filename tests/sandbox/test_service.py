"""The stand-in SyncWell over a real socket: its rules, and each of its faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.idempotency import KeyRule
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox import backlog
from pytest_syncload.sandbox.listener import Listener
from pytest_syncload.sandbox.service import PATH, Service, refuse
from tests.plainly import PLAINLY
from tests.sandbox.conftest import Serve
from tests.sandbox.keys import id_token, verifier

#: Every answer takes so long that requests which are sent together are under way together, on a busy machine too.
AT_WORK = Faults(latency_ms=1_000)
#: One service minute lasts long enough for a whole test: all its requests are counted in one or two.
CLOCK = ServiceClock.starting_now(speed=1)


def service(faults: Faults | None = None, clock: ServiceClock = CLOCK, **more: Any) -> Service:
    return Service(clock=clock, faults=faults or Faults(), verifier=verifier(), **more)


def post(url: str, key_: str | None = "k-1", *, user: str = "ann", body: Any = None, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token(user)}"}
    if key_ is not None:
        headers["idempotency-key"] = key_
    return httpx.post(url + PATH, headers=headers, json=body or {"a": 1}, **PLAINLY, **more)


_TOKENS: dict[str, str] = {}


def token(user: str) -> str:
    return _TOKENS.setdefault(user, id_token(user))


def post_many(url: str, count: int, *, at_once: int = 10, others: list[httpx.Response] | None = None) -> Counter[int]:
    """The statuses of ``count`` jobs, so many at once; 0 where the connection was refused. ``others`` get answers that
    are not 202."""

    async def all_of_them() -> list[int]:
        # At each answer httpx's pool looks at all its connections for all that wait for one: let none wait there.
        turns = asyncio.Semaphore(at_once)
        async with httpx.AsyncClient(**PLAINLY, limits=httpx.Limits(max_connections=at_once)) as http:

            async def one(number: int) -> int:
                headers = {"authorization": f"Bearer {token('ann')}", "idempotency-key": f"run-{number}"}
                try:
                    async with turns:
                        answer = await http.post(url + PATH, headers=headers, json={"a": 1})
                except httpx.ConnectError:
                    return 0
                if others is not None and answer.status_code != 202:
                    others.append(answer)
                return answer.status_code

            return await asyncio.gather(*map(one, range(count)))

    return Counter(asyncio.run(all_of_them()))


def counted(app: Service) -> Counter[str]:
    """All that the service counted so far, over its minutes."""
    total: Counter[str] = Counter()
    for minute in app.minutes.rest():
        counts = minute.counts()
        total.update({name: counts[name] for name in ("requests", "accepted", "failed_calls")})
        for where in ("table", "index"):
            total.update({f"{where} {name}": n for name, n in counts[where].items()})
        total.update({f"status {status}": n for status, n in counts["statuses"].items()})
        total["slow"] += sum(n for ms, n in counts["latency"].items() if ms >= 200)
        total["waited"] += sum(n for ms, n in counts["latency"].items() if ms >= 120)
        total["duplicates"] += minute.duplicates
    return total


def test_accepted_jobs_have_distinct_ids_and_are_counted(serve: Serve) -> None:
    app = service()
    url = serve(app)
    answers = [post(url, f"k-{n}") for n in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["job_id"] for answer in answers}) == 3
    total = counted(app)
    assert (total["requests"], total["accepted"]) == (3, 3)
    assert (total["table consumed"], total["index consumed"]) == (3, 3)
    assert (total["table throttles"], total["index throttles"]) == (0, 0)


def test_idempotency_key_rules(serve: Serve) -> None:
    app = service()
    url = serve(app)
    first = post(url)
    assert post(url).json() == first.json()
    assert post(url, body={"a": 2}).status_code == 422
    assert post(url, user="bob").json()["job_id"] != first.json()["job_id"]
    assert post(url, None).status_code == 400
    total = counted(app)
    assert (total["table consumed"], total["duplicates"]) == (2, 2)


def test_key_in_progress_conflicts(serve: Serve) -> None:
    url = serve(service(AT_WORK))
    assert sorted(asyncio.run(_both(url))) == [202, 409]


def test_other_paths_methods_and_tokens(serve: Serve) -> None:
    url = serve(service())
    headers = {"authorization": f"Bearer {id_token(aud='other')}", "idempotency-key": "k"}
    assert httpx.post(url + "/other", **PLAINLY).status_code == 404
    assert httpx.get(url + PATH, **PLAINLY).status_code == 405
    refused = httpx.post(url + PATH, headers=headers, **PLAINLY)
    assert (refused.status_code, refused.json()) == (401, {"error": "unauthenticated"})


def test_body_in_several_pieces_is_read_whole(serve: Serve) -> None:
    url = serve(service())
    headers = {"authorization": f"Bearer {token('ann')}", "idempotency-key": "k"}

    def pieces(last: bytes) -> Any:
        yield b"x" * 70_000
        yield last

    statuses = [
        httpx.post(url + PATH, headers=headers, content=pieces(last), **PLAINLY).status_code
        for last in (b"a", b"a", b"b")
    ]
    assert statuses == [202, 202, 422]


def test_overload_is_shed(serve: Serve) -> None:
    app = service(AT_WORK, in_flight_limit=10)
    statuses = post_many(serve(app), 40, at_once=40)
    assert set(statuses) == {202, 503}
    assert counted(app)["status 503"] == statuses[503]


def test_latency_fault(serve: Serve) -> None:
    app = service(Faults(latency_ms=200))
    began = time.monotonic()
    post(serve(app))
    assert time.monotonic() - began >= 0.2
    assert counted(app)["slow"] == 1


@pytest.mark.parametrize(
    ("faults", "status"), [(Faults(error_share=2.5), 500), (Faults(rejected_tokens_share=2.5), 401)]
)
def test_share_of_answers(serve: Serve, faults: Faults, status: int) -> None:
    app = service(faults)
    assert post_many(serve(app), 200) == {202: 195, status: 5}
    assert counted(app)[f"status {status}"] == 5


def test_wrong_body_fault(serve: Serve) -> None:
    url = serve(service(Faults(wrong_body_share=50)))
    answers = [post(url, f"k-{n}") for n in range(4)]
    assert {answer.status_code for answer in answers} == {202}
    assert sum("job_id" in answer.json() for answer in answers) == 2


@pytest.mark.parametrize(
    ("faults", "scarce", "plenty"),
    [(Faults(table_capacity_per_s=10), "table", "index"), (Faults(index_capacity_per_s=10), "index", "table")],
)
def test_capacity_throttles_where_it_is_scarce_and_changes_no_answer(
    serve: Serve, faults: Faults, scarce: str, plenty: str
) -> None:
    app = service(faults)
    assert post_many(serve(app), 100) == {202: 100}
    total = counted(app)
    assert total[f"{scarce} throttles"] > 0
    assert total[f"{scarce} consumed"] >= 100 - total[f"{scarce} throttles"]
    assert (total[f"{plenty} throttles"], total[f"{plenty} consumed"]) == (0, 100)
    app.serve_waiting(time.monotonic() + 10)
    assert counted(app)[f"{scarce} consumed"] + total[f"{scarce} consumed"] == 100
    app.serve_waiting(time.monotonic() + 20)
    assert counted(app)[f"{scarce} consumed"] == 0


BEYOND = [
    (Capacities(table_per_s=20), 503, "table_throttled"),
    (Capacities(index_per_s=20), 503, "index_throttled"),
    (Capacities(workers_per_s=20), 429, "queue_full"),
    (Capacities(cache_per_s=20), 504, "cache_timeout"),
    (Capacities(third_party_per_s=20), 502, "third_party_limit"),
    (Capacities(concurrency=1), 503, "overloaded"),
]


@pytest.mark.parametrize(("capacities", "status", "code"), BEYOND)
def test_beyond_a_capacity_jobs_fail_and_are_counted_as_what_they_are(
    serve: Serve, capacities: Capacities, status: int, code: str
) -> None:
    app = service(Faults(latency_ms=40), capacities=capacities)
    refusals: list[httpx.Response] = []
    statuses = post_many(serve(app), 100, at_once=40, others=refusals)
    assert set(statuses) == {202, status}
    assert {answer.text for answer in refusals} == {json.dumps({"error": code})}
    total = counted(app)
    assert total[f"status {status}"] == statuses[status]
    assert total["accepted"] == total["table consumed"] == total["index consumed"] == statuses[202]
    assert total["failed_calls"] == (statuses[502] if status == 502 else 0)
    if status != 429:  # a full queue is said at once; without a wait, an answer takes 60 ms
        assert total["waited"] >= statuses[status]


def test_messages_that_workers_cannot_come_to_are_held_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "HELD_S", 3_600.0)
    app = service(capacities=Capacities(workers_per_s=20))
    assert set(post_many(serve(app), 100, at_once=40)) == {202, 429}
    app.backend.tick(time.monotonic() + 70)
    news = app.backend.news()
    assert news is not None
    assert news["queue"]["visible"] > 0


def test_utilisation_is_of_the_given_capacities(serve: Serve) -> None:
    app = service(clock=ServiceClock.starting_now(speed=60), capacities=Capacities(cache_per_s=20))
    post_many(serve(app), 100, at_once=40)
    later = time.monotonic() + 3
    app.backend.tick(later)
    minutes = [minute.gauges for minute in app.minutes.over(later)]
    assert max(gauges["nodes"][0]["engine"] for gauges in minutes if gauges) > 50  # at 20 µs a command: 0.2


def test_minute_waits_for_answers_that_wait_for_a_resource() -> None:
    app = service(capacities=Capacities(cache_per_s=20))
    minute = app.minutes.at(time.monotonic())
    minute.in_flight += 1
    ended = CLOCK.monotonic_at(minute.start + 60)
    assert list(app.minutes.over(ended + 0.5)) == []
    assert list(app.minutes.over(ended + 0.7)) == [minute]


def test_refused_job_is_forgotten_and_its_key_may_be_sent_again(serve: Serve) -> None:
    url = serve(service(capacities=Capacities(table_per_s=1)))  # far less than any machine asks for
    number = 0
    while post(url, f"k-{number}").status_code == 202:
        number += 1
    while (again := post(url, f"k-{number}")).status_code == 503:
        pass
    assert again.status_code == 202  # 409 would say that somebody is at work on it
    assert "job_id" in again.json()
    assert post(url, f"k-{number}", body={"a": 2}).status_code == 422


def test_accepted_jobs_reach_the_queue_also_those_with_a_wrong_body(serve: Serve) -> None:
    app = service(Faults(wrong_body_share=50, error_share=20, workers=0))
    assert post_many(serve(app), 10) == {202: 8, 500: 2}
    news = app.backend.news()
    assert news is not None
    assert news["queue"] == {"visible": 8, "not_visible": 0}


def test_refused_connections_are_refused_in_earnest(serve: Serve) -> None:
    faults = Faults(refused_connections_share=50)

    async def beside(listener: Listener) -> None:
        await refuse(listener, 50)

    url = serve(service(faults), beside)
    statuses: Counter[int] = Counter()
    deadline = time.monotonic() + 60
    number = 0
    while (statuses[0] < 5 or statuses[202] < 5) and time.monotonic() < deadline:
        number += 1
        try:
            answer = post(url, f"k-{number}")
            assert answer.headers["connection"] == "close"
            statuses[answer.status_code] += 1
        except httpx.ConnectError:
            statuses[0] += 1
            time.sleep(0.02)
        except httpx.ReadError:
            statuses[-1] += 1  # it waited to be accepted when the port was closed
    assert statuses[0] >= 5
    assert statuses[202] >= 5


def test_all_connections_can_be_refused(serve: Serve) -> None:
    async def beside(listener: Listener) -> None:
        await refuse(listener, 100)

    url = serve(service(Faults(refused_connections_share=100)), beside)
    # It listens for a moment before it closes.
    deadline = time.monotonic() + 60
    with contextlib.suppress(httpx.ConnectError):
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.ReadError):
                post(url)
    for _ in range(3):
        with pytest.raises(httpx.ConnectError, match="refused"):
            post(url)
        time.sleep(0.4)


@pytest.mark.parametrize("rule", KeyRule)
def test_a_broken_store_breaks_its_rule_and_keeps_the_others(serve: Serve, rule: KeyRule) -> None:
    url, at_work = (serve(service(replace(faults, idempotency=rule))) for faults in (Faults(), AT_WORK))
    first = post(url)
    refused = httpx.post(url + PATH, headers={"idempotency-key": "k-9"}, json={"a": 1}, **PLAINLY)
    other = post(url, user="bob")
    kept = {
        KeyRule.REPLAY: post(url).json() == first.json(),
        KeyRule.PAYLOAD: post(url, body={"a": 2}).status_code == 422,
        KeyRule.MISSING_KEY: post(url, None).status_code == 400,
        KeyRule.USER: other.status_code == 202 and other.json() != first.json(),
        KeyRule.UNAUTHORIZED: refused.status_code == 401 and post(url, "k-9").status_code == 202,
        KeyRule.CONCURRENT: sum(status == 202 for status in asyncio.run(_both(at_work))) == 1,
    }
    assert {broken for broken, is_kept in kept.items() if not is_kept} == {rule}


async def _both(url: str) -> list[int]:
    """The statuses of two requests at once with one key."""
    headers = {"authorization": f"Bearer {token('ann')}", "idempotency-key": "both"}
    async with httpx.AsyncClient(**PLAINLY) as http:
        answers = await asyncio.gather(*(http.post(url + PATH, headers=headers, json={}) for _ in range(2)))
    return [answer.status_code for answer in answers]

import re
from dataclasses import replace

from pytest_syncload.bottleneck import fit_usl, rank
from pytest_syncload.facts.bottleneck import Climbed, NoFit, Place, Track
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.units import Kind
from pytest_syncload.report.climb import climb_sentence, climb_table, first_words
from tests.bottleneck.seen import climbing, step, track

#: A service minute is a wall second in the sandbox, and a minute in a real environment.
SANDBOX, REAL = 60.0, 1.0
STEPS = 60
CLIMBED = Climbed(
    steps=(*(step(2000 + 40 * number, number) for number in range(STEPS - 1)), step(4400, STEPS - 1, held=False)),
)


def counted(minute: int, name: str = "sync-jobs WriteThrottleEvents", place: Place = Place.BACKEND) -> Track:
    return track([0.0] * minute + [70.0] * (STEPS - minute), name, limit=0.0, place=place)


P95 = track([40.0] * 58 + [900.0] * 2, "p95", place=Place.CLIENT, kind=Kind.TIME, limit=500.0)
CPU = track([0.015 * (2000 + 40 * minute) for minute in range(STEPS)], "worker CPU", kind=Kind.SHARE, limit=60.0)


def ranked(climbed: Climbed, *tracks: Track, speed: float = SANDBOX) -> ClimbRanked:
    return ClimbRanked(
        phase="stress", climbed=climbed, ranking=rank(climbed, tracks), law=fit_usl(climbed), speed=speed
    )


def sentence(climbed: Climbed, *tracks: Track, speed: float = SANDBOX) -> str:
    return climb_sentence(ranked(climbed, *tracks, speed=speed))


def table(climbed: Climbed, *tracks: Track, speed: float = SANDBOX) -> str:
    return "\n".join(climb_table(ranked(climbed, *tracks, speed=speed)))


def test_one_sentence_says_it_all() -> None:
    assert sentence(CLIMBED, P95, counted(20)) == (
        "held 4,320/s, broke at 4,400/s; first: sync-jobs WriteThrottleEvents, 38 s before p95"
    )
    assert sentence(CLIMBED, P95, counted(20), speed=REAL).endswith(", 38m before p95")
    assert sentence(CLIMBED, P95, counted(58)).endswith(", within 1 s of p95")
    assert sentence(CLIMBED, P95, counted(59, "failed", Place.CLIENT), counted(59)).endswith(", 1 s after p95")
    assert sentence(CLIMBED, counted(20)).endswith("first: sync-jobs WriteThrottleEvents")


def test_what_was_first_is_a_note_of_its_own() -> None:
    assert first_words(ranked(CLIMBED, P95, counted(20))) == "first: sync-jobs WriteThrottleEvents, 38 s before p95"
    assert first_words(ranked(climbing(8, breaks=False), P95)) == "nothing broke"
    tired = replace(climbing(8, breaks=False), generator_fault="it was late")
    assert first_words(ranked(tired)) == "what broke first is not determined: the generator was the limit: it was late"


def test_what_no_series_can_say_is_said_once() -> None:
    few = track([1.0], "few"), track([2.0], "less")
    (line,) = [line for line in table(climbing(8), *few).splitlines() if line.startswith("  unknown")]
    assert line.startswith("  unknown   all series: too few periods (1) for a normal range")
    assert "  unknown   few, less: too few periods (1)" in table(CLIMBED, *few, CPU)


def test_what_held_once_above_a_rate_that_broke_did_not_hold() -> None:
    twice = Climbed(steps=(*CLIMBED.steps, step(4200, 70), step(4240, 71, held=False)))
    assert sentence(twice, P95, counted(20)).startswith("held 4,200/s, broke at 4,240/s; first: sync-jobs")


def test_what_is_not_known_is_said() -> None:
    assert sentence(CLIMBED, P95, replace(CPU, limit=None)) == (
        "held 4,320/s, broke at 4,400/s; what broke first is not determined: "
        "nothing behind the client left its normal range"
    )
    assert sentence(CLIMBED, P95).endswith("is not determined: no series behind the client could be read")
    assert sentence(climbing(8, breaks=False), P95) == "held 850/s, the most that was offered, and did not break"
    assert sentence(Climbed(steps=()), P95) == "no step of the climb was measured"
    assert sentence(climbing(1), P95).startswith(
        "broke at 500/s, the lowest rate that was offered; what broke first is not"
    )


def test_a_generator_that_was_the_limit_gives_a_least() -> None:
    why = "how much more is not known: the generator was the limit: its CPU was used up"
    tired = replace(climbing(8, breaks=False), generator_fault="its CPU was used up")
    assert sentence(tired, P95) == f"held at least 850/s; {why}"
    assert sentence(replace(climbing(1), generator_fault="its CPU was used up")) == f"held nothing; {why}"


def test_the_table_has_every_series_with_its_evidence() -> None:
    lines = table(CLIMBED, CPU, P95, counted(20), counted(20, "late"), track([1.0], "short")).splitlines()
    assert re.match(r"  left its normal range +when +how +sure +of its limit$", lines[0])
    rows = [re.split(r" {2,}", line.strip()) for line in lines[1:4]]
    assert rows == [
        ["late", "38 s before p95", "70, until then zero; beyond its limit 38 s before p95", "> 99.9 %", "–"],
        [
            *("sync-jobs WriteThrottleEvents", "38 s before p95"),
            *("70, until then zero; beyond its limit 38 s before p95", "> 99.9 %", "–"),
        ],
        [
            *("p95", "what the client saw first"),
            *("900 ms where its load explains 40 ms; beyond its limit with p95", "> 99.9 %", "180 %"),
        ],
    ]
    assert lines[4] == (
        "  first     not determined: late and sync-jobs WriteThrottleEvents left their normal ranges in the same period"
    )
    assert lines[5].startswith("  unknown   short: too few periods (1)")
    assert lines[6] == "  normal    worker CPU (108 % of its limit, beyond its limit 7 s before p95)"
    assert lines[7].startswith("  steps     2,000/s held, 2,040/s held, ")
    assert lines[7].endswith(", 4,400/s broke")
    assert lines[8] == (
        "  law       universal scalability law: no fit: throughput still grew with the requests in flight: "
        "its ceiling lies beyond what was offered"
    )


def test_the_table_says_who_is_first_and_why() -> None:
    assert "  first     sync-jobs WriteThrottleEvents: it left its normal range before all others" in table(
        CLIMBED, P95, counted(20)
    )


def test_the_table_of_a_calm_climb() -> None:
    assert table(climbing(12, breaks=False), CPU).splitlines()[:2] == [
        "  nothing left its normal range",
        "  first     not determined: nothing broke",
    ]


def test_a_second_approach_is_in_the_evidence() -> None:
    twice = Climbed(steps=(*CLIMBED.steps, step(4320, 70), step(4340, 71), step(4360, 72, held=False)))
    again = track([0.0] * 20 + [70.0] * 40 + [0.0] * 11 + [60.0] * 2, "table events")
    once = track([0.0] * 20 + [70.0] * 40 + [0.0] * 13, "queue depth")
    text = table(twice, again, once)
    assert "70, until then zero; again in the second approach" in text
    assert "70, until then zero; not in the second approach" in text


def test_what_counted_before_says_how_much() -> None:
    values = [0.0] * 30 + [2.0] + [0.0] * 19 + [70.0] * 10
    assert "70, until then at most 2" in table(CLIMBED, track(values, "table events"))


def test_a_ceiling_and_the_law_with_its_interval() -> None:
    hot = track([min(100.0, 0.026 * (2000 + 40 * at)) for at in range(STEPS)], "cpu", kind=Kind.SHARE, ceiling=100.0)
    used = [(0.5 + 0.0083 * number) for number in range(STEPS)]
    queueing = Climbed(
        steps=tuple(
            replace(seen, throughput_per_s=1000 * use, rate_per_s=1000 * use, latency_mean_ms=1 / (1 - use))
            for seen, use in zip(CLIMBED.steps, used, strict=True)
        )
    )
    text = table(queueing, hot)
    assert re.search(r"cpu +– +\d+(\.\d)? %, its ceiling", text)
    assert re.search(r"law: ceiling 1,000/s, 95 % from (999|1,000)/s to 1,000/s; contention 0.5, coherency \S+$", text)
    assert not isinstance(fit_usl(queueing), NoFit)

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.bottleneck import rank
from pytest_syncload.facts.bottleneck import Climbed, Place, Ranking, Track, Worse
from pytest_syncload.facts.units import Kind
from tests.bottleneck.climbs import SHOWS, Scene, climb
from tests.bottleneck.seen import START, climbing, step, track

ONCE = climbing(20)
#: The first approach is 20 minutes long; the second has four, from minute 30 on.
TWICE = Climbed(
    steps=(*ONCE.steps, step(1350, 30), step(1375, 31), step(1400, 32), step(1425, 33, held=False)),
)


def events(minute: int, name: str = "table events", *, again: int | None = None, place: Place = Place.BACKEND) -> Track:
    """Throttling from a minute on; in the second approach from minute ``again`` on."""
    values = [0.0 if at < minute or at >= 20 else 50.0 for at in range(34)]
    values = [50.0 if again is not None and at >= again else value for at, value in enumerate(values)]
    return track(values, name, limit=0.0, place=place)


P95 = track([40.0] * 18 + [900.0] * 2, "p95", place=Place.CLIENT, kind=Kind.TIME, limit=500.0)
FAILED = track([0.0] * 19 + [4.0], "failed", place=Place.CLIENT, kind=Kind.SHARE, limit=1.0)
LATENCY = track([35.0] * 12 + [900.0] * 8, "api Latency", place=Place.API, kind=Kind.TIME, limit=500.0)
CALM = track([50.0] * 34, "worker CPUUtilization", place=Place.SERVICE, kind=Kind.SHARE, limit=80.0, ceiling=100.0)


def named(ranking: Ranking) -> str | None:
    assert (ranking.first is None) == (ranking.undetermined is not None)
    return None if ranking.first is None else ranking.first.track.name


def test_the_first_that_left_is_named_and_all_are_in_order_of_time() -> None:
    ranking = rank(ONCE, [CALM, FAILED, P95, events(16), events(14, "queue depth"), LATENCY])
    assert named(ranking) == "queue depth"
    assert ranking.because == "it left its normal range before all others"
    assert [found.track.name for found in ranking.findings] == [
        *("api Latency", "queue depth", "table events", "p95", "failed", "worker CPUUtilization")
    ]
    assert ranking.seen is not None
    assert ranking.seen.track is P95


def test_the_apis_series_is_named_only_where_nothing_behind_it_left() -> None:
    assert named(rank(ONCE, [P95, FAILED, LATENCY, CALM])) == "api Latency"
    assert named(rank(ONCE, [P95, FAILED, LATENCY, events(17)])) == "table events"


def test_the_apis_series_is_not_named_for_what_the_client_saw_in_the_same_minute() -> None:
    """A third party's limit that no row asks for: all there is are the failures, counted twice."""
    counted = track([0.0] * 19 + [50.0], "api 5XXError", place=Place.API)
    ranking = rank(ONCE, [FAILED, counted, CALM])
    assert named(ranking) is None
    assert ranking.undetermined == (
        "nothing behind the API left its normal range, and the API no sooner than what the client saw"
    )
    sooner = track([0.0] * 18 + [50.0] * 2, "api 5XXError", place=Place.API)
    assert named(rank(ONCE, [FAILED, sooner, CALM])) == "api 5XXError"


def test_the_clients_series_is_never_named() -> None:
    ranking = rank(ONCE, [P95, FAILED, CALM])
    assert named(ranking) is None
    assert ranking.undetermined == "nothing behind the client left its normal range"


def test_what_left_after_the_client_had_seen_everything_is_not_named() -> None:
    early = track([0.0] * 17 + [4.0] * 3, "failed", place=Place.CLIENT)
    ranking = rank(ONCE, [early, events(19)])
    assert named(ranking) is None
    assert ranking.undetermined == (
        "nothing behind the client left its normal range before all that the client saw had; "
        "beyond its limit: table events"
    )


def test_two_in_the_same_minute_are_not_told_apart() -> None:
    ranking = rank(ONCE, [P95, events(15, "queue depth"), events(15)])
    assert named(ranking) is None
    assert ranking.undetermined == "queue depth and table events left their normal ranges in the same period"


def test_nor_are_two_of_which_one_was_not_measured_in_that_minute() -> None:
    whole = track([0.0] * 14 + [50.0] * 6, "queue depth")
    holed = track([0.0] * 13 + [None, None] + [50.0] * 5, "table events")
    assert named(rank(ONCE, [whole, holed])) is None
    assert named(rank(ONCE, [whole, replace(holed, timestamps=tuple(moment + 120 for moment in holed.timestamps))]))


def test_two_series_of_one_resource_are_one() -> None:
    a, b = events(15, "table ReadThrottleEvents"), events(15, "table WriteThrottleEvents")
    assert named(rank(ONCE, [b, a])) == "table ReadThrottleEvents"
    stronger = replace(b, values=(*b.values[:15], *(50.0,) * 19))
    assert named(rank(ONCE, [a, stronger])) in {"table ReadThrottleEvents", "table WriteThrottleEvents"}


@pytest.mark.parametrize(
    ("other", "name", "because"),
    [
        (events(15, "queue depth", again=33), "table events", "in the second approach it did so before the others"),
        (events(15, "by-user events", again=31, place=Place.BEHIND), "by-user events", "it stands behind the others"),
        (replace(events(15, "queue depth", again=31), limit=None), "table events", "only it was beyond its limit"),
    ],
)
def test_other_evidence_tells_two_of_the_same_minute_apart(other: Track, name: str, because: str) -> None:
    ranking = rank(TWICE, [events(15, again=31), other])
    assert named(ranking) == name
    assert because in (ranking.because or "")


def test_what_did_not_happen_again_is_not_named() -> None:
    once, twice = events(12, "cache evictions"), events(15, again=31)
    assert named(rank(TWICE, [once, twice])) == "table events"
    assert named(rank(TWICE, [once])) == "cache evictions"
    found = {found.track.name: found for found in rank(TWICE, [once, twice]).findings}
    assert (found["cache evictions"].confirmable, found["cache evictions"].again) == (True, None)
    assert found["table events"].again == START + 60 * 31


def test_the_generator_as_the_limit_names_nothing() -> None:
    ranking = rank(replace(ONCE, generator_fault="its CPU was used up"), [P95, events(14)])
    assert named(ranking) is None
    assert ranking.undetermined == "the generator was the limit: its CPU was used up"
    assert ranking.findings[0].departure is not None


def test_a_target_that_never_broke_names_nothing() -> None:
    assert rank(climbing(20, breaks=False), [events(14)]).undetermined == "nothing broke"


def test_a_climb_without_steps_or_series_names_nothing() -> None:
    assert rank(Climbed(steps=()), [events(14)]).undetermined == "no step of the climb was measured"
    assert rank(ONCE, []).undetermined == "no series was looked at"


def test_a_target_that_broke_at_the_first_step_leaves_too_few_minutes() -> None:
    ranking = rank(climbing(1), [events(0), CALM])
    assert ranking.undetermined is not None
    assert ranking.undetermined.startswith("too few periods (1)")


def test_a_first_step_that_broke_by_a_bad_start_does_not_hide_the_climb() -> None:
    steps = (step(500, -5, held=False), *ONCE.steps)
    assert named(rank(Climbed(steps=steps), [P95, events(14)])) == "table events"


def test_limits() -> None:
    """Step 18 of 20 is the last good one, at 1,400/s."""
    found = {
        found.track.name: found
        for found in rank(
            ONCE,
            [
                track([0.05 * (500 + 50 * minute) for minute in range(20)], "cpu", kind=Kind.SHARE, limit=56.0),
                track([10.0] * 19 + [7.0], "tasks", worse=Worse.DOWN, limit=8.0),
                events(14),
                track([1.0] * 20, "unlimited"),
            ],
        ).findings
    }
    assert found["cpu"].utilisation == pytest.approx(70 / 56)
    assert found["cpu"].over_limit_at == START + 60 * 13
    assert found["tasks"].utilisation == pytest.approx(0.8)
    assert found["tasks"].over_limit_at == START + 60 * 19
    assert found["table events"].utilisation is None
    assert (found["unlimited"].utilisation, found["unlimited"].over_limit_at) == (None, None)


SERIES = st.lists(st.sampled_from([0.0, 1.0, 4.0, 5.0, 900.0]), min_size=20, max_size=34)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(SERIES, st.sampled_from(Place)), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_series_means_nothing(drawn: list[tuple[list[float], Place]], dice: object) -> None:
    tracks = [track(values, f"series {number}", place=place) for number, (values, place) in enumerate(drawn)]
    shuffled = list(tracks)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(TWICE, tracks) == rank(TWICE, shuffled)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(SERIES, st.sampled_from(Place)), max_size=4), st.integers(-10_000, 10_000))
def test_shifting_the_times_shifts_the_ranking(drawn: list[tuple[list[float], Place]], minutes: int) -> None:
    def at(first: int) -> Ranking:
        tracks = [track(values, f"series {n}", place=place, first=first) for n, (values, place) in enumerate(drawn)]
        return rank(climbing(20, first=first), tracks)

    here, there = at(0), at(minutes)
    assert (named(here), here.because, here.undetermined) == (named(there), there.because, there.undetermined)
    assert [found.track.name for found in here.findings] == [found.track.name for found in there.findings]


def of(seeds: Sequence[int], resource: str | None) -> list[Ranking]:
    return [rank(*climb(Scene(seed=seed, limited=resource))) for seed in seeds]


@pytest.mark.parametrize("resource", SHOWS)
def test_the_resource_that_is_the_bottleneck_is_named(resource: str) -> None:
    """200 trials over the six. Measured over 200 of each: docs/breaking-point.md."""
    count = 34 if resource != "table" else 30
    ranked = of(range(count), resource)
    right = sum(found.first is not None and found.first.track.resource == SHOWS[resource] for found in ranked)
    assert right >= 0.9 * count


def test_a_healthy_service_seldom_leaves_its_normal_range() -> None:
    """Of series behind the client at most one in a hundred."""
    findings = [found for ranking in of(range(30), None) for found in ranking.findings if found.track.place > Place.API]
    alarms = [found.track.name for found in findings if found.departure is not None]
    assert len(alarms) <= 0.01 * len(findings), alarms


def test_what_counted_from_the_beginning_on_may_have_been_first_so_nothing_else_is_named() -> None:
    early = track([0.0, 0.0, 0.0, 0.0, 27.0, 33.0, 177.0, 119.0], "table events")
    api = track([0.0] * 6 + [50.0] * 2, "api 5XXError", place=Place.API)
    failed = track([0.0] * 7 + [5.0], "failed requests", kind=Kind.SHARE, place=Place.CLIENT)
    ranking = rank(climbing(8), [failed, api, early])
    assert named(ranking) is None
    assert ranking.undetermined == "table events counted from the beginning on; start lower"
    assert named(rank(climbing(8), [failed, api])) == "api 5XXError"

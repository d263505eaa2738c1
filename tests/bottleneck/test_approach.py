import math

from pytest_syncload.bottleneck.approach import approaches, beside
from pytest_syncload.facts.bottleneck import Climbed
from tests.bottleneck.seen import START, climbing, step, track


def test_an_approach_ends_where_a_step_broke_and_where_the_rate_falls() -> None:
    climbed = Climbed(
        steps=(
            *(step(500, 0), step(600, 1), step(700, 2, held=False)),
            *(step(550, 9), step(575, 10), step(600, 11, held=False)),
            *(step(590, 20), step(580, 21)),
        )
    )
    found = approaches(climbed)
    assert [[seen.rate_per_s for seen in part.steps] for part in found] == [
        [500, 600, 700],
        [550, 575, 600],
        [590],
        [580],
    ]
    assert [part.broke for part in found] == [True, True, False, False]
    assert approaches(Climbed(steps=())) == []


def test_a_series_stands_beside_the_rate_of_its_minute() -> None:
    (approach,) = approaches(Climbed(steps=(step(500, 0, 2), step(600, 2), step(700, 4, held=False))))
    seen = beside(track([9.0, 1.0, 2.0, 3.0, 4.0, math.nan, 6.0, 7.0], first=-1), approach)
    minutes = [(moment - START) / 60 for moment in seen.times]
    assert minutes == [0, 1, 2]  # before, in the gap in minute 3, and behind no rate was offered; minute 4 is no number
    assert list(seen.rates) == [500, 500, 600]
    assert list(seen.values) == [1, 2, 3]


def test_a_period_over_several_steps_has_their_mean_rate() -> None:
    (approach,) = approaches(climbing(4))
    assert approach.rate_over(START, START + 240) == 575
    assert approach.rate_over(START + 30, START + 90) == 525
    assert approach.rate_over(START + 200, START + 260) is None
    assert approach.rate_over(START - 1, START + 59) is None

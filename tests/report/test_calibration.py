from pytest_syncload.facts.calibration import Calibration, Step
from pytest_syncload.facts.plan import Climb
from pytest_syncload.report.calibration import result_lines, step_line
from tests.conductor.plans import phase

GOOD = Step(rate_per_s=4000.0, lag_p99_ms=1.25, cpu_percent=31.0, fell_short=None)
BAD = Step(rate_per_s=8000.0, lag_p99_ms=250.0, cpu_percent=99.0, fell_short="the lag was 250 ms")


def test_a_line_a_step() -> None:
    assert step_line(GOOD) == "  4000/s  lag p99 1.25 ms, 31 % of a core: carried"
    assert step_line(BAD).endswith(": not carried: the lag was 250 ms")


def test_each_phase_is_told_its_generators_a_climb_those_of_its_end() -> None:
    climb = Climb(
        from_per_s=10.0, step_percent=10.0, every_s=60.0, until="failed > 1 %", failed_percent=1.0, at_most_per_s=9000.0
    )
    lines = result_lines(Calibration(steps=(GOOD, BAD)), (phase("peak"), phase("stress", climb=climb)), 2)
    assert lines[0].startswith("one generator carried 4000/s of this request, on a machine of 2 cores")
    assert lines[1:] == [
        "  peak  60/s: load.generators 1",
        "  stress  9000/s: load.generators 4, more than the 2 cores here",
    ]


def test_that_nothing_was_carried_is_said() -> None:
    assert result_lines(Calibration(steps=(BAD,)), (), 2) == [
        "one generator carried none of these rates; is something else using this machine?"
    ]

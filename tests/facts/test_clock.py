import time

from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.clock import ServiceClock, minute_ceil, minute_floor

seconds = st.floats(min_value=0, max_value=1e6)


@given(seconds, st.floats(min_value=0.5, max_value=600))
def test_a_service_time_comes_back_from_the_monotonic_clock(later: float, speed: float) -> None:
    clock = ServiceClock(origin=1_700_000_000.0, monotonic_origin=5.0, speed=speed)
    assert abs(clock.at(clock.monotonic_at(clock.origin + later)) - clock.origin - later) < 1e-3


def test_at_sixty_a_wall_second_is_a_service_minute() -> None:
    clock = ServiceClock(origin=0.0, monotonic_origin=100.0, speed=60.0)
    assert clock.at(101.0) == 60.0
    assert clock.wall_seconds(900.0) == 15.0


def test_a_real_clock_is_wall_time_plus_the_offset() -> None:
    before = time.time()
    clock = ServiceClock.starting_now(offset_s=100.0)
    assert before + 100.0 <= clock.now() <= time.time() + 100.1
    assert clock.wall_seconds(60.0) == 60.0


@given(st.integers(0, 2 * 10**12))
def test_minutes_enclose(milliseconds: int) -> None:
    service = milliseconds / 1000
    assert minute_floor(service) <= service <= minute_ceil(service)
    assert minute_floor(service) % 60 == minute_ceil(service) % 60 == 0

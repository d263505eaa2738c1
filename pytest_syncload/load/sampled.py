"""Which arrivals check an Idempotency-Key, and which rule each: a pure function of the share, the seed and the index.

So it is the same in every run, whatever the number of generators, and every rule gets as many checks as any other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

from pytest_syncload.facts.idempotency import KeyRule

_RULES = tuple(KeyRule)


def sampled_arrivals(percent: float, seed: int, shard: int, shards: int) -> Iterator[tuple[int, KeyRule]]:
    """``(index, rule)`` of the sampled arrivals with index mod ``shards`` == ``shard``, in order, without end.

    Of each 100 ÷ ``percent`` arrivals in a row one is taken, at random: at equal distances they might all be of one
    generator. ``percent`` is more than 0; none are given where it is 0.
    """
    if percent <= 0:
        return
    block = 100 / percent
    for number in count():
        first, behind = round(number * block), round((number + 1) * block)
        index = first + random.Random(seed << 64 | number).randrange(max(1, behind - first))
        if index % shards == shard:
            yield index, _RULES[number % len(_RULES)]

"""What an entry of the catalogue is made of: queries of CloudWatch, how they fold, what a missing data point means.

Shapes only: it knows no metric and no environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_syncload.facts.units import Kind


class Role(StrEnum):
    """What a query is for. ALIVE shows that its sibling's silence means zero, METER counts what is billed."""

    VALUE = "value"
    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    ALIVE = "alive"
    METER = "meter"


class Fold(StrEnum):
    """How what was read becomes one value."""

    WORST = "one statistic over the whole window, of the worst resource"
    RATIO = "100 × numerator ÷ denominator"
    SUM = "sum over the window and all resources"
    CAPACITY = "100 × consumed ÷ (provisioned × seconds) over the window, of the worst resource"
    USED = "100 × used ÷ reserved, each averaged over the whole window"
    TASKS = "100 × tasks that an application error stopped ÷ tasks alive in the window"
    OWN = "what the load's own checks found, added up over the window"
    CLIMB = "what the climb found"
    COST = "what the window used, through the tiers of its prices: between a low and a high bound"


class Absent(StrEnum):
    """What a query without a data point means."""

    INCONCLUSIVE = "inconclusive"
    ZERO_BESIDE_DENOMINATOR = (
        "0 where the denominator has data (of a REST API: where it is silent altogether), else inconclusive"
    )
    ZERO_WHILE_ALIVE = "0 while a sibling metric shows traffic, else inconclusive"


class Each(StrEnum):
    """Which of the environment's resources a query is made for."""

    REST = "a REST API"
    REST_ROUTE = "one route of a REST API"
    HTTP = "an HTTP API"
    HTTP_ROUTE = "one route of an HTTP API"
    TABLE = "each table"
    INDEX = "each index"
    EVERY_OPERATION = "every operation on each table"
    LISTED_OPERATION = "each listed operation"
    SERVICE = "the service"
    QUEUE = "the queue"
    DEAD_LETTERS = "the dead-letter queue"
    NODE = "each node"
    SERVERLESS = "each serverless cache"


class Rule(StrEnum):
    """What a row may ask of a metric's minutes besides its value, by the key in slo.yaml."""

    SUSTAINED = "sustained"
    GROWTH = "growth"
    REGRESSION = "regression"
    DRAINS = "drains_within"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One CloudWatch metric and statistic. ``group`` ties a value to the ALIVE queries of the same resource; ``part``
    tells it from the row's other queries of that metric, for a person. AWS publishes a point ``every_s`` seconds; of a
    Sum that is ``steady`` in every minute with requests, zeros too. One that is ``signed`` may be below zero."""

    role: Role
    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]
    group: str = ""
    part: str = ""
    every_s: int = 60
    steady: bool = False
    signed: bool = False

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace} {self.name} {self.statistic} {{{where}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A query before the environment's resources are put in: one for ``each`` of them, none where there is none."""

    role: Role
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]
    each: Each
    every_s: int = 60
    steady: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named metric.

    ``statistics`` are the ones a row may ask for; the first is the default, none means that there is no choice.
    ``factor`` turns CloudWatch's unit into the canonical one of ``kind``. ``client_view`` names the load's own figure
    that is judged beside it. ``every_request`` says that the metric has a sample for each request. ``rules`` are the
    ones a row may add.
    """

    name: str
    kind: Kind
    what: str
    namespace: str = ""
    fold: Fold = Fold.WORST
    absent: Absent = Absent.INCONCLUSIVE
    templates: tuple[Template, ...] = ()
    statistics: tuple[str, ...] = ()
    factor: float = 1.0
    client_view: str | None = None
    every_request: bool = False
    rules: frozenset[Rule] = frozenset()


#: What `statistic` of a template stands for where a row may choose it.
CHOSEN = "{statistic}"
#: Average is the service's or the node's, Maximum that of its hottest task or minute.
UTILISATION = ("Average", "Maximum")
#: Minutes that a hold needs before its growth, or the absence of it, can be seen: of five only a rise without one step
#: back is significant, of four none is. Of simulated rises eight times as large as the noise, a test over six minutes
#: let one in a hundred pass, over five four, over four nine.
GROWTH_MINUTES = 6
#: Minutes that both holds need before one can be compared with the other: of five, a correlation of 0.7 made a 95 %
#: interval miss in 8 cases of 100, of four in 14.
COMPARED_MINUTES = 6
#: The rules of a level that one series shows.
LEVEL = frozenset({Rule.SUSTAINED, Rule.GROWTH, Rule.REGRESSION})
#: Growth is judged on one series, and the worst of several is not one. Compared are the worst then and the worst now.
SUSTAINED = frozenset({Rule.SUSTAINED, Rule.REGRESSION})


def level(name: str, each: Each, dimensions: tuple[tuple[str, str], ...]) -> Template:
    """A query for the row's own statistic."""
    return Template(role=Role.VALUE, name=name, statistic=CHOSEN, dimensions=dimensions, each=each)


def total(
    role: Role, name: str, each: Each, dimensions: tuple[tuple[str, str], ...], *, steady: bool = False
) -> Template:
    """A query for a Sum."""
    return Template(role=role, name=name, statistic="Sum", dimensions=dimensions, each=each, steady=steady)

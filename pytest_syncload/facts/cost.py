"""What a phase used of what AWS bills, what a unit of it costs, and what that comes to.

Amounts are `Decimal`: units as they are sold, money in US dollars. No amount is a float, whose sum would depend on the
order in which it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

#: Stands for the date of a price whose source has none.
UNDATED = "undated"
#: Hours of a month, and days, by which AWS and its calculators estimate.
HOURS_A_MONTH = 730
DAYS_A_MONTH = 30
MILLION = 1_000_000


class Sold(StrEnum):
    """What AWS sells by a unit, and the unit's name."""

    REST_REQUEST = "REST API request"
    HTTP_REQUEST = "HTTP API request"
    VCPU_HOUR = "Fargate vCPU hour"
    GB_HOUR = "Fargate GB hour"
    ARM_VCPU_HOUR = "Fargate ARM vCPU hour"
    ARM_GB_HOUR = "Fargate ARM GB hour"
    WRITE_UNIT = "DynamoDB write unit"
    READ_UNIT = "DynamoDB read unit"
    WRITE_CAPACITY_HOUR = "DynamoDB provisioned write hour"
    READ_CAPACITY_HOUR = "DynamoDB provisioned read hour"
    QUEUE_REQUEST = "SQS request"
    FIFO_REQUEST = "SQS FIFO request"
    NODE_HOUR = "ElastiCache node hour"
    METRIC = "GetMetricData metric"


@dataclass(frozen=True, slots=True)
class Product:
    """Something sold. ``variant`` tells cache nodes apart: their type and engine, ``cache.r7g.large valkey``."""

    sold: Sold
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.sold} {self.variant}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number that is known to lie between two bounds, both of which it may be."""

    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, value: Decimal) -> Range:
        """A number that is known."""
        return cls(low=value, high=value)

    def __add__(self, other: Range) -> Range:
        return Range(low=self.low + other.low, high=self.high + other.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Dollars a unit, for the units of a month up to ``up_to``, beginning where the tier before ends. None: no end."""

    up_to: Decimal | None
    usd: Decimal


class Origin(StrEnum):
    """Where a price was read."""

    LIVE = "live"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What ``product`` costs in ``region``, in tiers from the first unit of a month on.

    ``as_of`` is the date of the price list that was asked, or the month of the shipped price's source, or `UNDATED`.
    """

    product: Product
    region: str
    tiers: tuple[Tier, ...]
    origin: Origin
    as_of: str

    def __str__(self) -> str:
        return f"{self.origin}, {self.as_of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriced:
    """A product without a price, and why."""

    product: Product
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The prices that a run goes by. ``note`` says why they are not all live, None where they are."""

    prices: tuple[Price, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    note: str | None = None

    def price(self, product: Product) -> Price | None:
        """The product's price, None where there is none."""
        return next((each for each in self.prices if each.product == product), None)

    def why_not(self, product: Product) -> str:
        """Why the product has no price."""
        return next((each.why for each in self.unpriced if each.product == product), "nobody asked for its price")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """How a table is paid: on demand, or by provisioned units, those of its indexes included."""

    on_demand: bool
    write_units: int = 0
    read_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSize:
    """What one Fargate task of the service has, and how many of them run whatever the load is.

    ``least`` is None where nobody may say.
    """

    vcpu: Decimal
    gb: Decimal
    arm: bool = False
    least: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSize:
    """A cache's node type and engine; ``count`` nodes stand under one id."""

    kind: str
    engine: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What stands there, by its name, before the load. ``gaps`` say what could not be found out, or is not priced."""

    tables: Mapping[str, TableSize] = field(default_factory=dict)
    task: TaskSize | None = None
    nodes: Mapping[str, NodeSize] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """What a run must know to say what it used costs: kept in its folder, so that it can be said again without AWS."""

    region: str
    sizes: Sizes
    sheet: Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Units of ``product`` that ``of`` used in the judged window: as many as the jobs needed.

    ``always_per_h`` units an hour are paid whether or not there is a job. ``kept_per_h`` would be paid if what stood
    there in the window stood there all month; None of what is paid by use alone. ``source`` is where it was read.
    """

    product: Product
    of: str
    used: Range
    source: str
    always_per_h: Decimal = Decimal(0)
    kept_per_h: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """All that a window used. ``jobs`` were accepted in its ``wall_s`` wall seconds.

    ``gaps`` say what it used that could not be measured; ``left_out`` what nobody looks at at all.
    """

    phase: str
    jobs: int
    wall_s: Decimal
    usages: tuple[Usage, ...]
    gaps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One product. ``units`` and ``per_million`` (dollars) are for a million jobs.

    Of a month, ``variable`` grows with jobs and ``fixed`` is there without any; both are None where no scale is known.
    ``price`` is None where the product has none, and then so are all dollars.
    """

    product: Product
    of: tuple[str, ...]
    units: Range
    price: Price | None
    per_million: Range | None = None
    variable: Range | None = None
    fixed: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A table's writes or reads by both ways of paying, dollars a month, for the units that the scale needs.

    Provisioned is what bears the window's rate all month. From ``break_even_percent`` of use on, that is cheaper;
    ``used_percent`` is what the scale uses of it.
    """

    of: str
    what: str
    on_demand: Decimal
    provisioned: Decimal
    break_even_percent: float
    used_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a phase's jobs cost, in dollars. A sum is of what was priced: with ``gaps`` it is no more than a low bound.

    ``per_million`` is a million jobs without what is ``fixed``. ``variable`` and ``fixed`` are of a month with
    ``jobs_a_month``; all three are None where slo.yaml has no scale.
    """

    phase: str
    jobs: int
    lines: tuple[CostLine, ...]
    per_million: Range
    jobs_a_month: int | None = None
    variable: Range | None = None
    fixed: Decimal | None = None
    gaps: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    note: str | None = None

    @property
    def per_month(self) -> Range | None:
        """What grows with jobs and what does not, together."""
        if self.variable is None or self.fixed is None:
            return None
        return self.variable + Range.of(self.fixed)


def request_of(*, is_http: bool) -> Product:
    """A request to an API: an HTTP API, or a REST API."""
    return Product(Sold.HTTP_REQUEST if is_http else Sold.REST_REQUEST)


def message_of(queue: str) -> Product:
    """A request to a queue; a FIFO queue's name says that it is one."""
    return Product(Sold.FIFO_REQUEST if queue.endswith(".fifo") else Sold.QUEUE_REQUEST)


def task_products(*, arm: bool) -> tuple[Product, Product]:
    """An hour of a vCPU and of a GB."""
    vcpu, gb = (Sold.ARM_VCPU_HOUR, Sold.ARM_GB_HOUR) if arm else (Sold.VCPU_HOUR, Sold.GB_HOUR)
    return Product(vcpu), Product(gb)


def node_of(size: NodeSize) -> Product:
    """An hour of a cache node."""
    return Product(Sold.NODE_HOUR, f"{size.kind} {size.engine}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPrice:
    """What the requests of a run, and its questions to CloudWatch, cost: dollars by what is sold, each at the price of
    its first units. Not what the environment costs while it stands.

    ``requests`` are sent, ``basis`` says what one of them is taken to use. With ``gaps`` it is a low bound.
    """

    requests: Range
    items: Mapping[str, Range]
    basis: str
    gaps: tuple[str, ...] = ()

    @property
    def usd(self) -> Range:
        """All items together."""
        return sum(self.items.values(), Range.of(Decimal(0)))

    def __add__(self, other: RunPrice) -> RunPrice:
        nothing = Range.of(Decimal(0))
        return RunPrice(
            requests=self.requests + other.requests,
            items={
                item: self.items.get(item, nothing) + other.items.get(item, nothing)
                for item in dict.fromkeys((*self.items, *other.items))
            },
            basis=" and ".join(dict.fromkeys((self.basis, other.basis))),
            gaps=tuple(dict.fromkeys((*self.gaps, *other.gaps))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PerRequest:
    """Units that a request uses, of what is paid by use. ``basis`` says how that is known."""

    units: Mapping[Product, Range]
    basis: str


#: What is paid by use, so that a run's own requests add to the bill.
BY_USE = (
    Sold.REST_REQUEST,
    Sold.HTTP_REQUEST,
    Sold.WRITE_UNIT,
    Sold.READ_UNIT,
    Sold.QUEUE_REQUEST,
    Sold.FIFO_REQUEST,
)

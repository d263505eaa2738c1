"""A run as it is told: everything that terminal, JSON, HTML, JUnit and GitHub show comes from here, so that they agree.

It holds no secret: what may be shown in one place may be shown in all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pytest_syncload.facts.cost import Cost, RunPrice
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.parity import ParityFound
from pytest_syncload.facts.place import Placed
from pytest_syncload.facts.plan import Phase, Rejudged
from pytest_syncload.facts.result import PhaseResult

PARITY = "parity"
COST = "cost"
REGION = "generator's region"
#: What is not looked at unless it is asked for, so that green implies no more than it proved.
NOT_LOOKED_AT = (PARITY, COST, REGION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where the load went. ``target`` is its address, ``region`` and ``account`` None where they are not known.

    Of a sandbox, ``speed`` is service seconds a wall second and ``rate_scale`` what planned rates are multiplied by;
    elsewhere both are 1. ``production``: slo.yaml marks it as what users depend on.
    """

    environment: str
    is_sandbox: bool
    target: str
    region: str | None
    account: str | None
    speed: float = 1.0
    rate_scale: float = 1.0
    production: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseReport:
    """One phase that was asked for. ``plan`` is it as slo.yaml has it, all rows included.

    ``result`` is None where nothing was measured, and ``problem`` says why; ``problem`` beside a result says why it
    proves nothing. ``verdicts`` are those of the rows that were asked for, in order of the file, ``left_out`` counts
    the others. ``climb`` is what broke first, None of a phase that holds or where nobody could look.
    ``cost`` is what its jobs cost, None where nobody asked or nothing was measured.
    ``load_began_at`` is the wall time (epoch seconds) at which second 0 of the result's timeline begins.
    """

    plan: Phase
    result: PhaseResult | None
    problem: str | None
    verdicts: tuple[Verdict, ...]
    climb: ClimbRanked | None = None
    load_began_at: float | None = None
    cost: Cost | None = None

    @property
    def name(self) -> str:
        """As in slo.yaml."""
        return self.plan.name

    @property
    def left_out(self) -> int:
        """How many of its rows were not asked for."""
        return len(self.plan.slos) - len(self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run. ``begun_at`` is epoch seconds (wall), ``file`` the name of slo.yaml, ``folder`` the run folder's path as
    a person would type it. ``command`` begins the same run again. ``rejudged`` names the run whose measurements were
    judged again: then no load was offered. ``compared`` names the run that every row is shown beside.
    ``parity`` is in what the environment differs from what it stands for, None where nobody compared it.
    ``placed`` is from where the load came, None where nobody looked.
    ``estimated`` is what the run itself was thought to cost, ``spent`` what it did; None where nobody asked.
    """

    service: str
    run_id: str
    begun_at: float
    version: str
    file: str
    folder: str
    command: str
    where: Where
    phases: tuple[PhaseReport, ...]
    rejudged: Rejudged | None = None
    compared: Rejudged | None = None
    not_looked_at: tuple[str, ...] = NOT_LOOKED_AT
    parity: ParityFound | None = None
    placed: Placed | None = None
    estimated: RunPrice | None = None
    spent: RunPrice | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of all phases, in order."""
        return tuple(verdict for phase in self.phases for verdict in phase.verdicts)

    @property
    def counts(self) -> Counter[Ruling]:
        """How many rows were ruled what."""
        return Counter(verdict.ruling for verdict in self.verdicts)

    @property
    def proven(self) -> bool:
        """Whether every row that was asked for passed, and each phase had one."""
        return all(phase.verdicts for phase in self.phases) and set(self.counts) == {Ruling.PASS}

"""What an environment must be like, what may differ and why, and in what two Terraform documents were found to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The attribute of a difference that is about all of a resource: one side has none.
RESOURCE = "resource"
#: The attribute of a difference that a plan of the environment has not made yet.
PLAN = "plan"
#: The attribute of a type whose resources are only counted.
COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A difference that somebody accepts, and why. ``line`` is in slo.yaml.

    With ``here`` or ``reference``, only while the values, as they are shown, are these.
    """

    address: str
    attribute: str
    why: str
    line: int = 0
    here: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """What an environment is compared with, from ``line`` of slo.yaml.

    ``terraform`` and ``reference`` are the paths of two documents of ``terraform show -json``: of this environment, and
    of the one that it stands for. In addresses of the first, each of ``names`` is replaced by the other's name.
    """

    terraform: str
    reference: str
    names: Mapping[str, str]
    accept: tuple[Accepted, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, as it is shown: the values of this environment and of the reference, why the attribute matters.

    ``accepted`` is why somebody accepts it, None where nobody does.
    """

    address: str
    attribute: str
    here: str
    reference: str
    matters: str
    accepted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentUsed:
    """A document as it was read: its file's name, its SHA-256, whether it is a state or a plan."""

    name: str
    digest: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityFound:
    """What the comparison found. ``compared`` counts the resources of both sides that met, ``passed_over`` those of
    this environment whose type has nothing to compare. ``noted`` differs and stops nothing; ``stale`` accepts nothing.
    """

    terraform: DocumentUsed
    reference: DocumentUsed
    compared: int
    passed_over: int
    differences: tuple[Difference, ...] = ()
    noted: tuple[Difference, ...] = ()
    stale: tuple[Accepted, ...] = field(default=())

    @property
    def accepted(self) -> tuple[Difference, ...]:
        """Those that somebody accepts."""
        return tuple(each for each in self.differences if each.accepted is not None)

    @property
    def unaccepted(self) -> tuple[Difference, ...]:
        """Those that nobody does."""
        return tuple(each for each in self.differences if each.accepted is None)

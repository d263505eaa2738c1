"""A Dask cluster, as slo.yaml names it: one that is there, or one that is made for each phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskCluster:
    """Either the ``address`` of a scheduler, or the class of a cluster by its path, and what it is made with.

    One generator runs on each of ``workers``. ``cluster_kwargs`` may hold secrets, and are kept nowhere.
    """

    workers: int
    address: str | None = None
    cluster_class: str | None = None
    cluster_kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.address or self.cluster_class or ""

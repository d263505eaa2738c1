"""A climb and its series → what broke first, and how throughput scales. Pure; names nothing the data does not show.

`approach` puts a series beside the load it was measured under, `relation` says what that load explains, `departure`
when the series left it, `ranking` orders them, `scalability` fits the universal scalability law. The methods and their
measured error rates stand in docs/breaking-point.md.
"""

from pytest_syncload.bottleneck.ranking import rank
from pytest_syncload.bottleneck.scalability import fit_usl

__all__ = ["fit_usl", "rank"]

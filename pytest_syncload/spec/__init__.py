"""slo.yaml → `facts.plan.Spec`: strict, with every problem at once and its line. Reads one file and nothing else."""

from pytest_syncload.spec.reader import read

__all__ = ["read"]

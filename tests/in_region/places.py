"""Where the examples are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FARGATE = ROOT / "examples" / "fargate"
EC2 = ROOT / "examples" / "ec2"
EXAMPLES = (FARGATE, EC2)

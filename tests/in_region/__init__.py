"""The examples that offer load from the target's region: their scripts, Terraform, image and workflows.

The scripts are no package: their folders are where Python looks, as where they are run.
"""

from __future__ import annotations

import sys

from tests.in_region.places import EXAMPLES

sys.path.extend(str(each / "in_region") for each in EXAMPLES)

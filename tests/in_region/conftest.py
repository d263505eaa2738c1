"""The examples' scripts are no package: their folders are where Python looks, as where they are run."""

from __future__ import annotations

import sys

from tests.in_region.places import EXAMPLES

for each in EXAMPLES:
    sys.path.append(str(each / "in_region"))

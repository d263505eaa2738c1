"""Whether an environment is like the one that it stands for: two Terraform documents in, their differences out. Pure.

`documents` says what a file is, `scale` what of it bears load, `resources` reads that and nothing else, and
`differences` compares. What Terraform marks as sensitive is dropped where it is met, and no message has a value of a
document but those of the compared attributes.
"""

from pytest_syncload.parity.differences import compare
from pytest_syncload.parity.documents import Document, read

__all__ = ["Document", "compare", "read"]

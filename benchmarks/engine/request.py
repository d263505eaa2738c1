"""The one request that every client sends, and the job that tells a client how. Needs no third party."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

PATH = "/v1/sync-jobs"
#: A JWT of 900 characters, as Firebase's with some claims are. Its signature is nonsense; no server here looks.
TOKEN = "eyJhbGciOiJSUzI1NiJ9." + "cGF5bG9hZA" * 53 + "." + "c2lnbmF0dXJl" * 29
TOKEN = TOKEN[:900].ljust(900, "A")
BODY = {
    "source": {"provider": "google_drive", "folder": "1AbCdEfGhIjKlMnOp"},
    "destination": {"provider": "syncwell_vault", "folder": "team-42"},
    "options": {"mode": "incremental"},
}
BODY_TEXT = json.dumps(BODY, separators=(",", ":"))
#: The key's place where a client fills it in itself.
KEY_HEADER = "Idempotency-Key"
STATUS = 202
MEMBER = "job_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a client is to do: ``in_flight`` in a closed loop where ``rate_per_s`` is None, else an open one."""

    url: str
    seconds: float
    in_flight: int = 64
    rate_per_s: int | None = None

    def headers(self) -> dict[str, str]:
        """The constant headers. The key is the client's own to add, another for each request where it can."""
        return {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    def write(self, folder: Path) -> Path:
        """Leave it where clients of any language find it."""
        path = folder / "job.json"
        known = asdict(self) | {"headers": self.headers(), "body": BODY_TEXT, "key_header": KEY_HEADER}
        path.write_text(json.dumps(known), "utf-8")
        return path

    @classmethod
    def read(cls, path: str) -> Job:
        """What `write` left."""
        known = json.loads(Path(path).read_text("utf-8"))
        return cls(**{name: known[name] for name in cls.__dataclass_fields__})

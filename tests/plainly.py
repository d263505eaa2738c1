"""What httpx is given where a test asks a server of its own."""

from __future__ import annotations

import ssl
from typing import Any

#: Through no proxy, over plain HTTP: to load every authority's certificate, which a client does by itself, takes longer
#: than to ask. httpx's own five seconds are no limit for a busy machine.
PLAINLY: dict[str, Any] = {
    "trust_env": False,
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    "timeout": 60.0,
}

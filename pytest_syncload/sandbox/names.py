"""The names of what the sandbox has, as AWS would know it. One region, one account; elsewhere there is nothing."""

from __future__ import annotations

REGION = "us-east-1"
#: AWS's own example account.
ACCOUNT = "111122223333"
API = "syncwell"
STAGE = "v1"
TABLE = "sync-jobs"
INDEX = "by-user"
QUEUE = "hot-path"
CLUSTER = "syncwell"
SERVICE = "worker"
#: What the service publishes itself, of the API that it calls.
THIRD_PARTY = "SyncWell/ThirdParty"
PROVIDER = "drive"
REPLICATION_GROUP = "syncwell"
#: The primary first.
NODES = ("syncwell-001", "syncwell-002")

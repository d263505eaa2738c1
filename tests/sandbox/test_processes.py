"""What a sandbox process may see, and how it ends."""

from __future__ import annotations

import subprocess
import sys

from pytest_syncload.sandbox.processes import clean_environment


def test_children_see_nothing_of_the_users_cloud_or_proxies() -> None:
    users = {
        "PATH": "/bin",
        "AWS_PROFILE": "prod",
        "AWS_ACCESS_KEY_ID": "x",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "no_proxy": "*",
        "PYTHONWARNINGS": "error",
        "COVERAGE_PROCESS_START": "x",
    }
    assert clean_environment(users) == {"PATH": "/bin", "COVERAGE_PROCESS_START": "x", "PYTHONUNBUFFERED": "1"}


def test_parents_side_imports_neither_boto3_nor_uvicorn() -> None:
    program = (
        "import sys, pytest_syncload.sandbox.launch\n"
        "print([name for name in ('boto3', 'botocore', 'uvicorn', 'jwt', 'httpx') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"

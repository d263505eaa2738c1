"""Keeps what proves an identity out of botocore's debug log, which pytest shows of whatever failed.

At DEBUG botocore logs each request with its X-Amz-Security-Token and signature, and the answers of STS and SSO with the
credentials in them: with `--log-level=DEBUG` they would stand in a CI's log for all to read. The rest of the log stays.
"""

from __future__ import annotations

import logging
import re

#: Who logs requests, what is signed, and answers.
_LOGGERS = ("botocore.auth", "botocore.endpoint", "botocore.parsers")
#: A name, what stands between it and its value (a header's text or bytes, XML, JSON), and the value.
_PROOF = re.compile(
    r"""((?:x-amz-security-token|secretaccesskey|sessiontoken|accesstoken|refreshtoken|signature)"""
    r"""(?:\\?["'])?\s*[:=>]\s*(?:b?\\?["'])?)[^\s"'\\<,&}]+""",
    re.IGNORECASE,
)


class _Masked(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _PROOF.sub(r"\1<hidden>", record.getMessage()), None
        return True


_MASKED = _Masked()


def hide_proofs() -> None:
    """From now on; calling it again does nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_MASKED)

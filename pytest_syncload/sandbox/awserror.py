"""The error answers of the AWS doubles, by the names that AWS gives them. Nothing is ever guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any


class AwsError(Exception):
    """An error answer: ``shape`` of the service model, the ``code`` of the query protocol, HTTP ``status``."""

    def __init__(self, shape: str, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.shape = shape
        self.code = code
        self.message = message
        self.status = status


def refusal(name: str, message: str, status: int = 400) -> AwsError:
    """An error whose shape and code have one name, as most services' have."""
    return AwsError(name, name, message, status)


def bad_value(message: str) -> AwsError:
    """A parameter is bad or out of range."""
    return AwsError("InvalidParameterValueException", "InvalidParameterValue", message)


def combination(message: str) -> AwsError:
    """Parameters that do not go together."""
    return AwsError("InvalidParameterCombinationException", "InvalidParameterCombination", message)


def missing(member: str) -> AwsError:
    """A required parameter is not there."""
    return AwsError("MissingRequiredParameterException", "MissingParameter", f"{member} is required")


def unbuilt(what: str) -> AwsError:
    """AWS may know it; the double does not, and says so."""
    return bad_value(f"the sandbox does not implement {what}")


def known_members(
    given: Mapping[str, Any], known: Set[str], where: str, refuse: Callable[[str], AwsError] = bad_value
) -> None:
    """Raise ``refuse``'s error for the first member of ``given`` that is not implemented."""
    for member in given:
        if member not in known:
            raise refuse(f"the sandbox does not implement {member} in {where}")

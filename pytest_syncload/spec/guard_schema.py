"""The form of `guard:` of an environment: what its target may be, so that a wrong variable reaches nobody else's."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from pytest_syncload.spec import forms
from pytest_syncload.spec.fields import Given, Text, checked, wrong
from pytest_syncload.spec.schema import Strict

_HOST = r"(?:(?:\*\.)?[^\s/:*@?#\[\]]+|\[[0-9a-fA-F:.]+\])"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


Host = Annotated[
    str,
    Field(strict=True),
    checked(lambda text: bool(re.fullmatch(_HOST, text)), "a host such as 'api.example.com' or '*.example.com'"),
    forms.text(_HOST, "a host, without scheme and port", "api.example.com", "*.example.com"),
]
Network = Annotated[
    str,
    Field(strict=True),
    checked(_is_network, "a network such as '10.0.0.0/8' or 'fd00::/8', without bits set behind its prefix"),
    forms.text(r"[0-9a-fA-F:.]+(?:/\d{1,3})?", "a network", "10.0.0.0/8"),
]
#: IAM user guide, "Your AWS account identifiers": twelve digits.
Account = Annotated[
    str,
    Field(strict=True),
    checked(lambda text: bool(re.fullmatch(r"\d{12}", text, re.ASCII)), "an account's twelve digits, in quotes"),
    forms.text(r"[0-9]{12}", "an account's twelve digits, in quotes", "111122223333"),
]


class GeneratorRegionModel(Strict):
    """Load comes from the target's region, as EC2 or ECS say of this machine, unless another is accepted."""

    accept: Text = Field(description="Why another region, or an unknown one, is right. It stands in every report.")


class GuardModel(Strict):
    """What the target of this environment may be. What is not listed is refused before anything is sent."""

    hosts: Annotated[list[Host] | None, Given] = Field(
        default=None, description="The hosts that base_url may name; `*.example.com` is all below it."
    )
    networks: Annotated[list[Network] | None, Given] = Field(
        default=None, description="The networks in which each address of that host must lie, as it resolves here."
    )
    accounts: Annotated[list[Account] | None, Given] = Field(
        default=None, description="The AWS accounts that the credentials may be of."
    )

    @model_validator(mode="after")
    def _lists_something(self) -> Self:
        for key in ("hosts", "networks", "accounts"):
            if getattr(self, key) == []:
                raise wrong(f"{key} lists none, so nothing would be allowed; list one, or leave the key out", "a list")
        if self.hosts is self.networks is self.accounts is None:
            raise wrong("guards nothing; list hosts, networks or accounts", "hosts, networks or accounts")
        return self

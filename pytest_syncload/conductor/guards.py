"""Before anything is sent: whether this is the target that slo.yaml means, and one whose verdict means something.

What fails here lets nobody be asked: no user signs in, no request is sent, and AWS hears at most who asks.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from pytest_syncload.conductor.parity import parity_check
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.place import Place, Placed
from pytest_syncload.facts.plan import Environment, Spec
from pytest_syncload.facts.report import REGION
from pytest_syncload.report.place import placed_in_words
from pytest_syncload.sources import placement

#: Addresses of a host that a message lists.
_SHOWN = 4


def before_anything(spec: Spec, environment: Environment, folder: RunFolder) -> list[Check]:
    """Every guard that needs to ask nobody but this machine's neighbours: a name server, the metadata of EC2 or ECS.

    ``environment`` is the one that was made ready.
    """
    found = []
    if environment.guard is not None and environment.guard.hosts is not None:
        found.append(host_check(environment, environment.guard, spec.file.name))
    if environment.guard is not None and environment.guard.networks is not None:
        found.append(network_check(environment, environment.guard, spec.file.name))
    if may_be_elsewhere(environment) and spec.load.dask is None:  # of a fleet, its workers are asked
        found.append(region_check(environment, folder, spec.file.name))
    if environment.parity is not None:
        found.append(parity_check(spec, environment.parity, folder))
    return found


def host_check(environment: Environment, guard: Guard, file: str) -> Check:
    """Whether base_url names a listed host."""
    host, listed = host_of(environment), guard.hosts or ()
    if any(is_host(host, each) for each in listed):
        return Check(name="host", finding=Finding.OK, says=f"{host} is listed")
    says = (
        f"{host} of base_url is not listed under guard.hosts ({file}:{guard.line}): {', '.join(listed)}; is base_url "
        f"that of {environment.name}?"
    )
    return Check(name="host", finding=Finding.FAILED, says=says)


def network_check(environment: Environment, guard: Guard, file: str) -> Check:
    """Whether every address of the host is in a listed network, as it resolves on this machine now."""
    host, listed = host_of(environment), guard.networks or ()
    try:
        addresses = resolved(host)
    except OSError as error:
        says = f"{host} of base_url cannot be resolved here: {error.strerror or error}; guard.networks asks for that"
        return Check(name="network", finding=Finding.FAILED, says=says)
    strange = outside(addresses, listed)
    if strange:
        says = (
            f"{host} of base_url resolves to {_few(strange)}, outside of guard.networks ({file}:{guard.line}): "
            f"{', '.join(listed)}; does this machine ask the right name server?"
        )
        return Check(name="network", finding=Finding.FAILED, says=says)
    return Check(name="network", finding=Finding.OK, says=f"{host} resolves to {_few(addresses)}, as listed")


def region_check(environment: Environment, folder: RunFolder, file: str) -> Check:
    """Whether load comes from the target's own region; what was found is kept in the run's folder."""
    return region_found(environment, folder, file, placement.placed_here())


def region_found(environment: Environment, folder: RunFolder, file: str, place: Place) -> Check:
    """The same, of a generator that is at ``place``."""
    aws, accepted = environment.aws, environment.generator_elsewhere
    assert aws is not None
    found = Placed(place=place, target=aws.region, accepted=accepted)
    folder.keep_place(found)
    says = placed_in_words(found)
    if found.is_there:
        return Check(name=REGION, finding=Finding.OK, says=says)
    if accepted is not None:
        return Check(name=REGION, finding=Finding.NOTE, says=says)
    why = "" if found.place.region else f" ({found.place.known_by})"
    says += (
        f"{why}; load from afar meets the way there too: run it in {aws.region}, or accept it with a reason ({file}:"
        f"{environment.line}): generator_region: {{accept: …}}"
    )
    return Check(name=REGION, finding=Finding.FAILED, says=says)


def account_check(account: str | None, environment: Environment, file: str) -> list[Check]:
    """Whether the credentials are of a listed account. ``account`` None: STS did not say, and a check says why."""
    guard = environment.guard
    if guard is None or guard.accounts is None or account is None:
        return []
    if account in guard.accounts:
        return [Check(name="account guard", finding=Finding.OK, says=f"{account} is listed")]
    says = (
        f"the credentials are of account {account}, which is not listed under guard.accounts ({file}:{guard.line}): "
        f"{', '.join(guard.accounts)}; choose those of {environment.name} (AWS_PROFILE, the role of the job)"
    )
    return [Check(name="account guard", finding=Finding.FAILED, says=says)]


def lists_accounts(environment: Environment) -> bool:
    """Whether the account must be known before anybody signs in."""
    return environment.guard is not None and environment.guard.accounts is not None


def may_be_elsewhere(environment: Environment) -> bool:
    """Whether the target is anywhere that the generators could be far from: neither a sandbox nor this machine."""
    return environment.sandbox is None and not is_loopback(host_of(environment))


def is_host(host: str, listed: str) -> bool:
    """Whether ``host`` is the listed one, or below it where a star is listed."""
    listed = listed.lower().strip("[]").rstrip(".")
    return host.endswith(listed[1:]) and len(host) >= len(listed) if listed.startswith("*.") else host == listed


def outside(addresses: Sequence[str], networks: Sequence[str]) -> list[str]:
    """The addresses that are in none of the networks."""
    known = [ipaddress.ip_network(network) for network in networks]
    return [each for each in addresses if not any(ipaddress.ip_address(each) in network for network in known)]


def resolved(host: str) -> list[str]:
    """Every address of the host, once. Raises OSError where there is none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("it is no name that a host can have") from None
    # A link-local IPv6 address carries the name of an interface of this machine.
    return sorted({str(address[0]).partition("%")[0] for *_, address in found})


def host_of(environment: Environment) -> str:
    """The host of base_url, in small letters and without the dot that ends a full name."""
    return (urlsplit(environment.base_url or "").hostname or "").rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its name or address: then there is nobody else whom load could reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _few(addresses: Sequence[str]) -> str:
    more = len(addresses) - _SHOWN
    return ", ".join(addresses[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

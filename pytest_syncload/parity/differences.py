"""Two documents → what of the one environment differs from the other, in what bears load.

Nothing that is not known is equal: a value that is sensitive, or known only after apply, is a difference that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.parity import COUNT, PLAN, RESOURCE, Accepted, Difference, Parity, ParityFound
from pytest_syncload.parity.documents import Document
from pytest_syncload.parity.resources import Found, Hidden, Part, Resource, Value, resources_of
from pytest_syncload.parity.scale import SCALES

#: What attributes are made of, as far as they may be shown: a word of a size, a mode, a version.
_WORD = re.compile(r"[\w.:+/-]{1,64}", re.ASCII)
_NOTHING = "nothing"
_MOVED = "scaling moves it between its minimum and maximum, and those are compared"


def compare(terraform: Document, reference: Document, parity: Parity) -> ParityFound:
    """All differences, in order of address.

    Raises:
        Refused: the documents cannot be compared, or comparing them would prove nothing.
    """
    require_two_documents(terraform, reference)
    try:
        here, there = _renamed(resources_of(terraform), parity, terraform.used.name), resources_of(reference)
    except RecursionError:
        names = f"{terraform.used.name} or {reference.used.name}"
        raise Refused(f"{names} is nested too deeply for a document of terraform show -json; write it again") from None
    found = [*_of_plan(here), *_of_resources(here, there), *_of_counts(here, there)]
    ordered = sorted(found, key=lambda each: (each.difference.address, each.difference.attribute))
    require_something_compared(here, there, terraform.used.name, reference.used.name)
    differences = [accepted(each.difference, parity) for each in ordered if not each.is_note]
    return ParityFound(
        terraform=terraform.used,
        reference=reference.used,
        compared=len(here.resources.keys() & there.resources.keys()),
        passed_over=here.passed_over,
        differences=tuple(differences),
        noted=tuple(each.difference for each in ordered if each.is_note),
        stale=tuple(each for each in parity.accept if not any(fits(each, one.difference) for one in ordered)),
    )


def require_two_documents(terraform: Document, reference: Document) -> None:
    """Raise `Refused` where one document is compared with itself, which is always equal."""
    if terraform.value == reference.value:
        raise Refused(
            f"{terraform.used.name} and {reference.used.name} are the same document, and equal to itself "
            "is anything; write each in its own environment's workspace or folder"
        )


def require_something_compared(here: Found, there: Found, name: str, reference: str) -> None:
    """Raise `Refused` where nothing meets: documents of something else have nothing in which they could differ."""
    if not here.resources.keys() & there.resources.keys():
        raise Refused(
            f"no resource of a compared type in {name} ({_first(here)}) has an address of {reference} "
            f"({_first(there)}), so nothing was compared; are they of the right workspaces, and is parity.names right?"
        )


def accepted(difference: Difference, parity: Parity) -> Difference:
    """The difference, with why it is accepted where it is."""
    why = next((each.why for each in parity.accept if fits(each, difference)), None)
    return replace(difference, accepted=why)


def fits(accept: Accepted, difference: Difference) -> bool:
    """Whether this is the difference that somebody accepted: with the values it had then, where they said which."""
    return (
        (accept.address, accept.attribute) == (difference.address, difference.attribute)
        and accept.here in (None, difference.here)
        and accept.reference in (None, difference.reference)
    )


def same(here: Value, there: Value) -> bool:
    """Whether two values are known and equal. A number is equal to a text of it; what is unset, to what is empty."""
    if isinstance(here, Hidden) or isinstance(there, Hidden):
        return False
    here, there = (None if value in ("", ()) else value for value in (here, there))
    if isinstance(here, bool) or isinstance(there, bool):
        # What is off by default is written as off, or not at all.
        return (here or False) is (there or False)
    if isinstance(here, str) and isinstance(there, str):
        return here == there  # versions, say: 7.1 is not 7.10
    if here is None or there is None or isinstance(here, tuple) or isinstance(there, tuple):
        return here == there
    one, other = _number(here), _number(there)
    return one is not None and one == other


def shown(value: Value) -> str:
    """A value for a person. What is no plain word is not shown: a document may have anything anywhere."""
    if isinstance(value, Hidden):
        return value.value
    if value is None or value in ("", ()):
        return _NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(shown, value)) if len(value) < 6 else f"a list of {len(value)}"
    text = str(value)
    return text if _WORD.fullmatch(text) else f"a text of {len(text)} characters"


@dataclass(frozen=True, slots=True)
class _Seen:
    difference: Difference
    is_note: bool = False


def _of_plan(here: Found) -> Iterator[_Seen]:
    """What the environment's own plan has not made yet: it does not run like that."""
    for address, action in here.unapplied.items():
        why = "the plan says what will be, and load meets what is"
        yield _seen(address, PLAN, f"{action}, not applied", "applied", why)


def _of_resources(here: Found, there: Found) -> Iterator[_Seen]:
    for address in here.resources.keys() | there.resources.keys():
        one, other = here.resources.get(address), there.resources.get(address)
        if one is not None and other is not None and one.type == other.type:
            yield from _of_attributes(one, other)
        elif not all(SCALES[each.type].counted for each in (one, other) if each is not None):
            yield _seen(address, RESOURCE, _there(one), _there(other), "one side has nothing to bear this load with")


def _of_attributes(here: Resource, there: Resource) -> Iterator[_Seen]:
    for label in here.parts.keys() | there.parts.keys():
        one, other = here.parts.get(label), there.parts.get(label)
        value, expected = None if one is None else one.value, None if other is None else other.value
        if same(value, expected):
            continue
        if one is not None and other is not None and one.scaled and other.scaled:
            yield _seen(here.address, label, shown(value), shown(expected), _MOVED, is_note=True)
        else:
            (matters,) = {part.why for part in (one, other) if part is not None}
            yield _seen(here.address, label, shown(value), shown(expected), matters)


def _of_counts(here: Found, there: Found) -> Iterator[_Seen]:
    for type_, scale in SCALES.items():
        if scale.counted:
            one, other = (sum(each.type == type_ for each in side.resources.values()) for side in (here, there))
            if one != other:
                yield _seen(type_, COUNT, str(one), str(other), scale.counted)


def _renamed(found: Found, parity: Parity, name: str) -> Found:
    """With the names of the reference in place of this environment's own, so that addresses meet."""
    resources: dict[str, Resource] = {}
    for address, each in found.resources.items():
        meets = _with_names(address, parity.names)
        if meets in resources:
            raise Refused(
                f"by parity.names two resources of {name} become {meets}; name what tells environments apart, and only "
                "that"
            )
        resources[meets] = replace(each, address=meets, parts=_labels_with_names(each.parts, parity.names))
    unapplied = {_with_names(address, parity.names): action for address, action in found.unapplied.items()}
    return replace(found, resources=resources, unapplied=unapplied)


def _labels_with_names(parts: Mapping[str, Part], names: Mapping[str, str]) -> Mapping[str, Part]:
    """With the blocks' names of the reference too, where no two become one by that."""
    renamed = {_BLOCK.sub(lambda found: _with_names(found[0], names), label): part for label, part in parts.items()}
    return renamed if len(renamed) == len(parts) else parts


#: What tells blocks apart, within a label.
_BLOCK = re.compile(r"\[[^\[\]]+\]")
#: A resource's type within its address, in which no name of an environment stands.
_TYPE = re.compile(r"(?<![\w-])aws_\w+(?=\.)")


def _with_names(address: str, names: Mapping[str, str]) -> str:
    """Both ways in which a name of several words is written, as whole words: ``load-testing`` and ``load_testing``."""
    known = {re.sub("[-_]", sign, name): other for name, other in names.items() for sign in "-_"}
    longest_first = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    whole = re.compile(rf"(?<![A-Za-z0-9])(?:{longest_first})(?![A-Za-z0-9])")

    def other(found: re.Match[str]) -> str:
        around = address[max(0, found.start() - 1) : found.end() + 1]
        signed = "_" if "_" in around and "-" not in found[0] else "-" if "-" in found[0] else "[-_]"
        return known[found[0]] if signed == "[-_]" else re.sub("[-_]", signed, known[found[0]])

    types = [range(*found.span()) for found in _TYPE.finditer(address)]
    return whole.sub(lambda found: found[0] if any(found.start() in each for each in types) else other(found), address)


def _seen(address: str, attribute: str, here: str, there: str, matters: str, *, is_note: bool = False) -> _Seen:
    return _Seen(
        Difference(address=address, attribute=attribute, here=here, reference=there, matters=matters), is_note=is_note
    )


def _there(resource: Resource | None) -> str:
    return "none" if resource is None else "one"


def _first(found: Found) -> str:
    return f"first {min(found.resources)}" if found.resources else "there is none"


def _number(value: int | float | str) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None

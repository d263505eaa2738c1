"""In what an environment differs from the one that it stands for, in words."""

from __future__ import annotations

from pytest_syncload.facts.parity import Difference, DocumentUsed, ParityFound

#: Of a digest: enough to tell two documents apart by eye.
_DIGEST = 12
#: Differences that one message has; beyond, it is two environments that were never meant to be alike.
MOST = 20


def difference_in_words(each: Difference) -> str:
    """``aws_nat_gateway count: 1, and 3 there``."""
    return f"{each.address} {each.attribute}: {each.here} here, {each.reference} there"


def parity_lines(found: ParityFound) -> list[str]:
    """What was compared, by which documents, and every difference that a run bears: for reports."""
    many = "1 resource" if found.compared == 1 else f"{found.compared} resources"
    others = "1 other has" if found.passed_over == 1 else f"{found.passed_over} others have"
    lines = [
        f"{many} compared, {_document(found.terraform)} with {_document(found.reference)}; {others} nothing that bears "
        "load"
    ]
    lines += [f"accepted: {difference_in_words(each)}: {each.accepted}" for each in found.accepted]
    lines += [f"not accepted: {difference_in_words(each)}" for each in found.unaccepted]
    lines += [f"noted: {difference_in_words(each)}: {each.matters}" for each in found.noted]
    lines += [f"stale: {each.address} {each.attribute} is accepted and no difference any more" for each in found.stale]
    return lines


def unaccepted_in_words(found: ParityFound, where: str) -> str:
    """Why no load may be offered, and how to accept what may differ. ``where`` is parity's place in slo.yaml."""
    differences = found.unaccepted
    many = "1 difference" if len(differences) == 1 else f"{len(differences)} differences"
    shown = differences[:MOST]
    lines = [f"{many} from {found.reference.name} that nobody accepts, so a result here would not be valid there"]
    lines += [f"  {difference_in_words(each)} ({each.matters})" for each in shown]
    if len(differences) > MOST:
        lines.append(f"  and {len(differences) - MOST} more; the run folder's parity.json has them all")
    lines.append(f"make them alike, or accept each with a why, below parity.accept ({where}):")
    lines += [
        f"  - {{address: {_quoted(each.address)}, attribute: {_quoted(each.attribute)}, why: …}}" for each in shown
    ]
    return "\n".join(lines)


def accepted_in_words(found: ParityFound, file: str) -> str:
    """That load may be offered, what is accepted and why, what is noted, and what is to be removed from ``file``."""
    kept = found.accepted
    says = f"{found.compared} resources are as in {found.reference.name}"
    if kept:
        says += f" but for {'1 difference that is' if len(kept) == 1 else f'{len(kept)} differences that are'} accepted"
    lines = [f"accepted: {difference_in_words(each)}: {each.accepted}" for each in kept]
    lines += [f"noted: {difference_in_words(each)}" for each in found.noted]
    more = [f"and {len(lines) - MOST} more; the run folder's parity.json has them all"] if len(lines) > MOST else []
    stale = [
        f"{each.address} {each.attribute} is accepted ({file}:{each.line}) and no difference any more; remove it"
        for each in found.stale
    ]
    return "\n".join([says, *(f"  {line}" for line in (*lines[:MOST], *more)), *stale])


def _document(used: DocumentUsed) -> str:
    return f"{used.name} ({used.kind}, sha256 {used.digest[:_DIGEST]})"


def _quoted(text: str) -> str:
    """Plain where YAML takes it for itself, else in single quotes, in which only themselves are written twice."""
    plain = all(each.isalnum() or each in "_.-" for each in text)
    return text if plain else "'" + text.replace("'", "''") + "'"

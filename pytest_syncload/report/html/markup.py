"""HTML that is escaped by construction: text becomes markup here and nowhere else.

A service's name, a row's and what a target answered come from outside. `tag` escapes every child and every attribute
that is not `Html` already, so nothing of that can end an element or begin one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

#: What a browser would not show, or would reorder the text around it by: control characters, the marks of writing
#: direction (Unicode 16, Bidi_Control) and halves of a surrogate pair, which are no text in UTF-8 either.
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
#: Elements that have no end tag.
_VOID = frozenset({"br", "meta"})


class Html(str):
    """Markup, which is not escaped again. Only this module and `assets` make it."""

    __slots__ = ()


Child = str | None


def text(value: object) -> Html:
    """``value`` as text of an element or an attribute; what would not be seen is written as ``\\u202e``."""
    if isinstance(value, Html):
        return value
    return Html(escape(_UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", str(value)), quote=True))


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """An element. ``class_`` and ``for_`` lose their underscore, others become dashes: ``aria_label``.

    An attribute of True stands alone; None and False leave it out, as None leaves out a child.
    """
    written = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[Child], between: str = "") -> Html:
    """The children one after another, each escaped where it is not markup."""
    return Html(text(between).join(text(child) for child in children if child is not None))


def lines(children: Iterable[Child]) -> Html:
    """The children, a line each, so that the page's source can be read."""
    return join(children, "\n")


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")

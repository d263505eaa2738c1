"""A page as a parser of HTML sees it, for tests that must not depend on how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "meta"}


@dataclass(slots=True, kw_only=True)
class Element:
    """``text`` is all text inside it, its children's too."""

    name: str
    attributes: dict[str, str | None]
    text: str = ""
    inside: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Parsed:
    elements: list[Element] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def all(self, name: str, **attributes: str) -> list[Element]:
        """The elements of that name with these attributes; of ``class_`` one of several."""

        def fits(element: Element) -> bool:
            return all(
                value in (element.attributes.get(key.rstrip("_")) or "").split()
                if key == "class_"
                else element.attributes.get(key) == value
                for key, value in attributes.items()
            )

        return [element for element in self.elements if element.name == name and fits(element)]

    def one(self, name: str, **attributes: str) -> Element:
        (found,) = self.all(name, **attributes)
        return found


def parsed(page: str) -> Parsed:
    """The page's elements in order. Raises AssertionError where an element is not closed in its place."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert not parser.open, f"not closed: {parser.open}"
    return parser.found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Parsed()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(name=tag, attributes=dict(attrs), inside=tuple(each.name for each in self.open))
        assert len(attrs) == len(element.attributes), f"an attribute twice: {attrs}"
        self.found.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].name == tag, f"</{tag}> inside <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def handle_comment(self, data: str) -> None:
        self.found.comments.append(data)

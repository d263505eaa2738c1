"""`pytest` alone never generates load.

An item that needs load is kept only if the `-m` expression is true with its marks and false without its phase and
`slo` marks, or if a node id on the command line names it. So `pytest`, `pytest tests` and `pytest -m "not slow"` start
nothing.

What was asked for is what the user said, by `-m` or a node id, and never what other plugins have left of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast

import pytest

from pytest_syncload.shell.collect import SLO_MARK, SloItem
from pytest_syncload.shell.rows import exempt_from_timeout, row_of
from pytest_syncload.shell.settings import REPEATING

#: A name in an expression of `-m`, as pytest reads one.
_NAME = re.compile(r"[\w:+\-.\[\]\\/]+")
#: Of so many names besides the phase's, all combinations are looked at; no expression that a person writes has more.
_NAMES_LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class _Mark:
    """A mark as `-m` sees it: pytest.mark refuses names that nobody registered, where markers are strict."""

    name: str
    args: tuple[()] = ()
    kwargs: tuple[()] = ()


class _Marked(pytest.Item):
    """Nothing but marks: what `-m` says of them, wherever the rows are."""

    marks: Collection[str] = ()

    def iter_markers(self, name: str | None = None) -> Iterator[pytest.Mark]:
        """The marks."""
        return (cast("pytest.Mark", _Mark(mark)) for mark in self.marks if name in (None, mark))

    def runtest(self) -> None:
        """Never run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What was selected: phases by name and rows by id.

    ``taken_out`` are rows that were asked for too, and that a plugin or a conftest.py took out; ``left_out`` counts the
    items that need load and were not asked for.
    """

    phases: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    taken_out: tuple[str, ...] = ()
    left_out: int = 0

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Selected:
        """What a worker of pytest-xdist has written."""
        names = {name: tuple(said[name]) for name in ("phases", "rows", "taken_out")}
        return cls(left_out=said["left_out"], **names)


class Selection:
    """The rule, as a plugin. ``phases`` are the names of slo.yaml's phases; ``said`` is what came of it."""

    def __init__(self, phases: Collection[str]) -> None:
        self._phases = tuple(phases)
        self._probing = False
        self._collected: list[pytest.Item] = []
        self._deselected: set[pytest.Item] = set()
        self.said = Selected()

    @property
    def selected(self) -> tuple[str, ...]:
        """The phases that will be run."""
        return self.said.phases

    def phases_of(self, item: pytest.Item) -> set[str]:
        """The phases whose load the item needs: its own as a row, and those whose fixtures it takes."""
        if isinstance(item, SloItem):
            return {name for name in self._phases if item.get_closest_marker(name)}
        row = row_of(item)
        taken = set(self._phases) & set(getattr(item, "fixturenames", ()))
        return taken if row is None else taken | {row.phase}

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Mark the user's own tests, and note what is there before any plugin takes something out."""
        phases = self.phases_of(item)
        if not phases:
            return
        self._collected.append(item)
        if not isinstance(item, SloItem):
            for name in [*sorted(phases), *([SLO_MARK] if row_of(item) is not None else [])]:
                item.add_marker(getattr(pytest.mark, name))
            exempt_from_timeout(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Iterator[None]:
        """Let pytest and other plugins select, then apply the rule to what is left."""
        yield
        candidates = [item for item in items if self.phases_of(item)]
        true_anyway = self.true_without_marks(session, config, candidates)
        left_out = {item for item in true_anyway if not _named(item, config)}
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=[item for item in candidates if item in left_out])
        kept = [item for item in candidates if item not in left_out]
        needed = set().union(*(self.phases_of(item) for item in kept))
        rows = _rows(kept)
        self.said = Selected(
            phases=tuple(name for name in self._phases if name in needed),
            rows=rows,
            taken_out=tuple(row for row in self.taken_out(session, config, candidates) if row not in rows),
            left_out=len(left_out),
        )

    def taken_out(
        self, session: pytest.Session, config: pytest.Config, left: Collection[pytest.Item]
    ) -> tuple[str, ...]:
        """The rows, by id, of items that were asked for and are not among those ``left`` by other plugins.

        What `-k`, `--deselect` and node ids leave out was not asked for, nor is what pytest's own `--lf` and
        `--stepwise` deselect. Nothing else takes a row back.
        """
        there = set(left)
        gone = [item for item in self._collected if item not in there]
        if any(config.getoption(option, False) for option in REPEATING):
            gone = [item for item in gone if item not in self._deselected]
        with self._probe():
            self._as_pytest_selects(session, config, gone)
            self._as_pytest_selects(session, config, gone, "main")  # --deselect
        true_anyway = set(self.true_without_marks(session, config, gone))
        return _rows(item for item in gone if item not in true_anyway or _named(item, config))

    def asked(self, session: pytest.Session) -> tuple[str, ...]:
        """The phases that the user named, by node id or by `-m` (and `-k`, where both are given), whatever is left.

        Works in the controller of pytest-xdist too, which collects nothing.
        """
        config = session.config
        ids = _phases_of_ids(config)
        by_mark = {item.name for item in self.allowed(session)} if config.option.markexpr else set()
        return tuple(name for name in self._phases if name in ids or (name in by_mark and self.asks_for(name, session)))

    def mentioned(self, config: pytest.Config) -> bool:
        """Whether a node id or `-m` has a phase's name in it, or `-m` has `slo`, whatever it says of them."""
        names = {*_phases_of_ids(config), *_NAME.findall(config.option.markexpr)}
        return not names.isdisjoint({*self._phases, SLO_MARK})

    def allowed(self, session: pytest.Session) -> list[pytest.Item]:
        """An item with the marks of each phase that `-m` and `-k` do not rule out."""
        return self._true_of(session, [(name, {name, SLO_MARK}) for name in self._phases])

    def true_anyway(self, session: pytest.Session) -> bool:
        """Whether `-m` is true of what has no mark, so that it starts no load."""
        with _without_keyword(session.config):
            return bool(self._true_of(session, [("unmarked", ())]))

    def asks_for(self, phase: str, session: pytest.Session) -> bool:
        """Whether some of the other marks in `-m` make it false without the phase's marks and true with them.

        So `peak or not slow` asks for peak, and `not slow` asks for none.
        """
        ours = {phase, SLO_MARK}
        names = set(_NAME.findall(session.config.option.markexpr)) - ours - {"and", "or", "not"}
        others = sorted(names)[:_NAMES_LOOKED_AT]
        sets = [set(some) for size in range(len(others) + 1) for some in combinations(others, size)]
        with _without_keyword(session.config):
            without = {item.name for item in self._true_of(session, [(str(at), some) for at, some in enumerate(sets)])}
            false = [some for at, some in enumerate(sets) if str(at) not in without]
            return bool(self._true_of(session, [(phase, some | ours) for some in false]))

    def _true_of(self, session: pytest.Session, marked: Iterable[tuple[str, Collection[str]]]) -> list[pytest.Item]:
        """Items of these names and marks, without those that `-m` and `-k` rule out."""
        items: list[pytest.Item] = []
        for name, marks in marked:
            item = _Marked.from_parent(session, name=name, nodeid=name)
            item.marks = marks
            items.append(item)
        with self._probe():
            self._as_pytest_selects(session, session.config, items)
        return items

    @pytest.hookimpl(tryfirst=True)
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """While probing, nobody shall count what the probe deselects."""
        if self._probing:
            items.clear()
        self._deselected.update(items)

    def true_without_marks(
        self, session: pytest.Session, config: pytest.Config, candidates: list[pytest.Item]
    ) -> list[pytest.Item]:
        """The candidates that `-m` selects even without their phase and `slo` marks, as pytest itself evaluates it."""
        probe = list(candidates)
        with self._stripped(candidates), _without_keyword(config):
            self._as_pytest_selects(session, config, probe)
        return probe

    def _as_pytest_selects(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item], plugin: str = "mark"
    ) -> None:
        """Let pytest's own `-m` and `-k` take out of ``items`` what they deselect, or another of its plugins alone."""
        manager = config.pluginmanager
        only = manager.get_plugin(plugin)
        others = [other for other in manager.get_plugins() if other is not only]
        manager.subset_hook_caller("pytest_collection_modifyitems", others)(session=session, config=config, items=items)

    @contextmanager
    def _probe(self) -> Iterator[None]:
        self._probing = True
        try:
            yield
        finally:
            self._probing = False

    @contextmanager
    def _stripped(self, items: list[pytest.Item]) -> Iterator[None]:
        ours = {*self._phases, SLO_MARK}
        nodes = {node for item in items for node in item.listchain()}
        saved = {node: list(node.own_markers) for node in nodes}
        try:
            for node in nodes:
                node.own_markers[:] = [mark for mark in node.own_markers if mark.name not in ours]
            with self._probe():
                yield
        finally:
            for node, marks in saved.items():
                node.own_markers[:] = marks


@contextmanager
def _without_keyword(config: pytest.Config) -> Iterator[None]:
    """`-k` also matches marker names, so it must not take part in the probe."""
    keyword = config.option.keyword
    config.option.keyword = ""
    try:
        yield
    finally:
        config.option.keyword = keyword


def _rows(items: Iterable[pytest.Item]) -> tuple[str, ...]:
    """The ids of their rows, each once."""
    return tuple(dict.fromkeys(row.id for item in items if (row := row_of(item)) is not None))


def _phases_of_ids(config: pytest.Config) -> set[str]:
    """The phases that arguments name as a part of slo.yaml, be there such phases or not."""
    split = [str(argument).split("::") for argument in config.args]
    here, file = config.invocation_params.dir, (config.rootpath / "slo.yaml").resolve()
    return {wanted[0] for path, *wanted in split if wanted and (here / path).resolve() == file}


def _named(item: pytest.Item, config: pytest.Config) -> bool:
    """Whether an argument with `::` names the item or something it stands in."""
    names = item.nodeid.split("::")[1:]
    for argument in config.args:
        path, *wanted = str(argument).split("::")
        if not wanted or (config.invocation_params.dir / path).resolve() != item.path.resolve():
            continue
        of_item = names[: len(wanted)]
        if of_item == wanted or (of_item[:-1] == wanted[:-1] and of_item[-1].partition("[")[0] == wanted[-1]):
            return True
    return False

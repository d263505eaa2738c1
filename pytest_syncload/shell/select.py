"""`pytest` alone never generates load.

An item that needs load is kept only if the `-m` expression is true with its marks and false without its phase and
`slo` marks, or if a node id on the command line names it. So `pytest`, `pytest tests` and `pytest -m "not slow"` start
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from pytest_syncload.shell.collect import SLO_MARK, SloItem
from pytest_syncload.shell.rows import exempt_from_timeout, row_of


class _Asked(pytest.Item):
    """Nothing but a phase's marks: what `-m` says of it, wherever its rows are."""

    def runtest(self) -> None:
        """Never run."""


class Selection:
    """The rule, as a plugin. ``phases`` are the names of slo.yaml's phases; ``selected`` those that will be run."""

    def __init__(self, phases: Collection[str]) -> None:
        self._phases = tuple(phases)
        self._probing = False
        self.selected: tuple[str, ...] = ()
        self.kept: list[pytest.Item] = []
        self.left_out = 0

    def phases_of(self, item: pytest.Item) -> set[str]:
        """The phases whose load the item needs: its own as a row, and those whose fixtures it takes."""
        if isinstance(item, SloItem):
            return {name for name in self._phases if item.get_closest_marker(name)}
        row = row_of(item)
        taken = set(self._phases) & set(getattr(item, "fixturenames", ()))
        return taken if row is None else taken | {row.phase}

    @property
    def rows(self) -> list[str]:
        """The ids of the rows that were asked for, by whatever test."""
        return [row.id for item in self.kept if (row := row_of(item)) is not None]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Iterator[None]:
        """Mark the user's own tests, let pytest and other plugins select, then apply the rule to what is left."""
        for item in items:
            if not isinstance(item, SloItem) and (phases := self.phases_of(item)):
                for name in [*sorted(phases), *([SLO_MARK] if row_of(item) is not None else [])]:
                    item.add_marker(getattr(pytest.mark, name))
                exempt_from_timeout(item)
        yield
        candidates = [item for item in items if self.phases_of(item)]
        true_anyway = self.true_without_marks(session, config, candidates)
        left_out = [item for item in true_anyway if not _named(item, config)]
        if left_out:
            gone = set(left_out)
            items[:] = [item for item in items if item not in gone]
            config.hook.pytest_deselected(items=left_out)
        self.left_out = len(left_out)
        self.kept = [item for item in candidates if item in set(items)]
        needed = set().union(*(self.phases_of(item) for item in self.kept))
        self.selected = tuple(name for name in self._phases if name in needed)

    def asked(self, session: pytest.Session) -> tuple[str, ...]:
        """The phases that `-m` (and `-k`, where both are given) selects by their marks, be their rows collected or not.

        Works in the controller of pytest-xdist too, which collects nothing.
        """
        if not session.config.option.markexpr:
            return ()
        items = self.allowed(session)
        without = self.true_without_marks(session, session.config, items)
        return tuple(item.name for item in items if item not in without)

    def allowed(self, session: pytest.Session) -> list[pytest.Item]:
        """An item with the marks of each phase that `-m` and `-k` do not rule out."""
        config = session.config
        items: list[pytest.Item] = []
        for name in self._phases:
            item = _Asked.from_parent(session, name=name, nodeid=name)
            for mark in (name, SLO_MARK):
                item.add_marker(getattr(pytest.mark, mark))
            items.append(item)
        self._probing = True
        try:
            self._as_pytest_selects(session, config, items)
        finally:
            self._probing = False
        return items

    @pytest.hookimpl(tryfirst=True)
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """While probing, nobody shall count what the probe deselects."""
        if self._probing:
            items.clear()

    def true_without_marks(
        self, session: pytest.Session, config: pytest.Config, candidates: list[pytest.Item]
    ) -> list[pytest.Item]:
        """The candidates that `-m` selects even without their phase and `slo` marks, as pytest itself evaluates it."""
        probe = list(candidates)
        with self._stripped(candidates), _without_keyword(config):
            self._as_pytest_selects(session, config, probe)
        return probe

    def _as_pytest_selects(self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Let pytest's own evaluation of `-m` and `-k` take out of ``items`` what it deselects, and no other plugin."""
        manager = config.pluginmanager
        mark = manager.get_plugin("mark")
        others = [plugin for plugin in manager.get_plugins() if plugin is not mark]
        manager.subset_hook_caller("pytest_collection_modifyitems", others)(session=session, config=config, items=items)

    @contextmanager
    def _stripped(self, items: list[pytest.Item]) -> Iterator[None]:
        ours = {*self._phases, SLO_MARK}
        nodes = {node for item in items for node in item.listchain()}
        saved = {node: list(node.own_markers) for node in nodes}
        self._probing = True
        try:
            for node in nodes:
                node.own_markers[:] = [mark for mark in node.own_markers if mark.name not in ours]
            yield
        finally:
            self._probing = False
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

"""What must be priced to say what an environment costs, from what it lists and what stands there."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.cost import Product, Sizes, Sold, message_of, node_of, request_of, task_products
from pytest_syncload.facts.plan import Resources

_ON_DEMAND = (Sold.WRITE_UNIT, Sold.READ_UNIT)
_PROVISIONED = (Sold.WRITE_CAPACITY_HOUR, Sold.READ_CAPACITY_HOUR)


def products_of(resources: Resources, sizes: Sizes) -> tuple[Product, ...]:
    """Each product once: those that its usage needs, both ways of paying a table, and what the run's own questions
    cost."""
    return tuple(dict.fromkeys((*_needed(resources, sizes), *_beside(resources), Product(Sold.METRIC))))


def needed_of(resources: Resources, sizes: Sizes) -> tuple[Product, ...]:
    """Those without which a cost is not whole."""
    return tuple(dict.fromkeys(_needed(resources, sizes)))


def _needed(resources: Resources, sizes: Sizes) -> Iterator[Product]:
    if resources.rest_api or resources.http_api:
        yield request_of(is_http=resources.http_api is not None)
    for size in sizes.tables.values():
        yield from map(Product, _ON_DEMAND if size.on_demand else _PROVISIONED)
    if resources.queue:
        yield message_of(resources.queue)
    if sizes.task is not None:
        yield from task_products(arm=sizes.task.arm)
    for node in sizes.nodes.values():
        yield node_of(node)


def _beside(resources: Resources) -> Iterator[Product]:
    """A table's other way of paying."""
    if resources.tables:
        yield from map(Product, (*_ON_DEMAND, *_PROVISIONED))

"""Queries that run every hour, over tables that grow for ever."""

from __future__ import annotations

import re

import pytest

from shared.experiments import warehouse
from shared.topology import WAREHOUSE_VIEWS

QUERIES = {
    name: text
    for name, text in vars(warehouse).items()
    if isinstance(text, str) and re.search(r"\bFROM `", text)
}


@pytest.mark.parametrize("name", QUERIES)
def test_every_table_is_read_between_bounds(name: str) -> None:
    """Of the column by which it is partitioned, before anything is told apart: so a query scans
    its own days. A view that tells all deliveries apart reads the whole table."""
    sql = QUERIES[name]
    assert not any(view.name in sql for view in WAREHOUSE_VIEWS)
    _, *reads = re.split(r"\bFROM `", sql)
    for read in reads:
        condition = re.split(r"GROUP BY|QUALIFY", read)[0]
        assert re.search(r"\bts >= @\w+ AND ts < @\w+", condition), read

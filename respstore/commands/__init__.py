"""The commands, one module per family. This is the only list of them."""

from typing import Final

from respstore.commands import (
    barriers,
    bitmaps,
    blocking_lists,
    blocking_sorted_sets,
    clients,
    config,
    connection,
    coordination,
    databases,
    debug,
    expiry,
    hashes,
    hyperloglogs,
    info,
    introspection,
    keys,
    lists,
    memory,
    server,
    set_operations,
    sets,
    sorted_set_algebra,
    sorted_set_ranges,
    sorted_sets,
    strings,
    transactions,
)
from respstore.engine.command import build_table

TABLE: Final = build_table(
    (
        barriers,
        bitmaps,
        blocking_lists,
        blocking_sorted_sets,
        clients,
        config,
        connection,
        coordination,
        databases,
        debug,
        expiry,
        hashes,
        hyperloglogs,
        info,
        introspection,
        keys,
        lists,
        memory,
        server,
        set_operations,
        sets,
        sorted_set_algebra,
        sorted_set_ranges,
        sorted_sets,
        strings,
        transactions,
    )
)

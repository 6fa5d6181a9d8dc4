"""The commands, one module per family. This is the only list of them."""

from typing import Final

from respstore.commands import config, introspection, strings
from respstore.engine.command import build_table

TABLE: Final = build_table((config, introspection, strings))

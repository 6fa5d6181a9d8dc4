"""The tables in compat/README.md: each `make` target rewrites its own section and leaves the rest as people wrote it.

A section stands between the lines `<!-- name -->` and `<!-- /name -->`.
"""

import re
from pathlib import Path

README = Path(__file__).resolve().parent / "README.md"
FRONT_PAGE = README.parent.parent / "README.md"
"""The users' README, which shows a little of it."""


def write_section(name: str, text: str, path: Path = README) -> None:
    """Replaces what stands between the markers of section `name` by `text` (Markdown).

    Raises LookupError when the file does not hold the pair of markers exactly once: a table is never lost silently.
    """
    path.write_text(replace_section(path.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def replace_section(page: str, name: str, text: str) -> str:
    """`page` with section `name` holding `text`. Raises LookupError as write_section does."""
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"({re.escape(opening)}\n).*?({re.escape(closing)})", re.DOTALL)
    found = len(pattern.findall(page))
    if found != 1:
        raise LookupError(f"{opening} ... {closing} must stand there once, it stands there {found} times")
    return pattern.sub(lambda match: f"{match[1]}\n{text.strip()}\n\n{match[2]}", page)


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; columns after the first are aligned to the right, as they hold figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

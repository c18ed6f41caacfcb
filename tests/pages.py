"""Pages of the documentation that are partly generated: `docs/rules.md` and `docs/contract.md`.

Text between `<!-- generated: NAME -->` and `<!-- end -->` is made from code and tests; all other text is written by
hand. `python -m tests.pages --write` (`make docs`) fills the sections in, `--check` ends with 1 when one is outdated.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests import contract_page, rules_table

DOCS: Final = Path(__file__).parents[1] / "docs"
SECTION: Final = re.compile(r"(?<=<!-- generated: )(?P<name>[^>]+)(?P<mark> -->\n).*?(?=<!-- end -->)", re.DOTALL)

PAGES: Final[Mapping[Path, Callable[[], Mapping[str, str]]]] = {
    DOCS / "rules.md": rules_table.sections,
    DOCS / "contract.md": contract_page.sections,
}
"""Page -> what makes its sections, name -> Markdown."""


def filled(page: str, sections: Mapping[str, str]) -> str:
    """`page` with its sections as they should be. Raises `ValueError` where page and `sections` name different ones."""
    named = [match["name"] for match in SECTION.finditer(page)]
    if sorted(named) != sorted(sections):
        raise ValueError(f"sections on one side only, or twice: {sorted(set(named) ^ set(sections)) or named}")
    return SECTION.sub(lambda match: match["name"] + match["mark"] + sections[match["name"]], page)


def current(path: Path) -> str:
    """The page as it should be."""
    return filled(path.read_text("utf-8"), PAGES[path]())


def main(arguments: Sequence[str]) -> int:
    """Write or check every page; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.pages", description="Pages that are partly generated.")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="fill the sections in")
    task.add_argument("--check", action="store_true", help="exit code 1 when a section is out of date")
    if parser.parse_args(arguments).write:
        for path in PAGES:
            path.write_text(current(path), "utf-8")
        return 0
    outdated = [path.name for path in PAGES if path.read_text("utf-8") != current(path)]
    sys.stderr.writelines(f"out of date: {name}; run `make docs`\n" for name in outdated)
    return int(bool(outdated))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

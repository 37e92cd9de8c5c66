"""Check every internal link of the built site: ``check_links.py FOLDER``.

Exit status 1 and one line per link whose file or anchor does not exist.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors and the link targets of one HTML page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect ``id``, ``href`` and ``src``."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def problem(link: str, path: Path, pages: dict[Path, Page]) -> str | None:
    """Return what is wrong with a link on the page ``path``; None if it leads somewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return "no such file"
    if parts.fragment and target in pages:
        return None if unquote(parts.fragment) in pages[target].anchors else "no such anchor"
    return None


def broken(folder: Path) -> Iterator[str]:
    """Yield one line for every link that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        for link in page.links:
            if reason := problem(link, path, pages):
                yield f"{path.relative_to(folder.resolve())}: {link}: {reason}"


def main(folder: str) -> int:
    """Print the broken links of a site; return the exit status."""
    lines = list(broken(Path(folder)))
    print("\n".join(lines) or "all internal links lead somewhere")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""A picture of the widths of a network before and after, as SVG."""

from collections.abc import Mapping
from html import escape

ROW, LEFT, BAR = 18, 260, 360


def picture(widths: Mapping[str, tuple[int, int]], reasons: Mapping[str, str]) -> str:
    """Return an SVG image with a bar for every layer: its width, and the part that is kept.

    Args:
        widths: out-channels of every layer before and after.
        reasons: layers that cannot shrink, and why; shown if the mouse is over their bar.
    """
    most = max((before for before, _ in widths.values()), default=1)
    height = ROW * (len(widths) + 1)
    rows = [
        _row(ROW * (i + 1), name, before, after, most, reasons.get(name, ""))
        for i, (name, (before, after)) in enumerate(widths.items())
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + BAR + 100}" height="{height + 8}" '
        'font-family="sans-serif" font-size="11">'
        f'<text x="4" y="12" font-weight="bold">layer</text>'
        f'<text x="{LEFT}" y="12" font-weight="bold">out-channels: kept of all</text>'
        + "".join(rows)
        + "</svg>"
    )


def _row(top: int, name: str, before: int, after: int, most: int, reason: str) -> str:
    full, kept = (max(1, round(BAR * count / most)) for count in (before, after))
    title = f"{name}: {before} -> {after}" + (f" (fixed: {reason})" if reason else "")
    colour = "#8a8a8a" if reason else "#3b6ea5"
    shown = name if len(name) < 40 else f"...{name[-37:]}"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<text x="4" y="{top + 12}">{escape(shown)}</text>'
        f'<rect x="{LEFT}" y="{top + 3}" width="{full}" height="11" fill="#dde5ee"/>'
        f'<rect x="{LEFT}" y="{top + 3}" width="{kept}" height="11" fill="{colour}"/>'
        f'<text x="{LEFT + BAR + 6}" y="{top + 12}">{after} of {before}</text></g>'
    )

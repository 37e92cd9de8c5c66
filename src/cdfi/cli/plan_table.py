"""The plan of a dry run as a table with units."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table


def plan_table(plan: Mapping[str, Any]) -> Table:
    """Return the plan that :func:`cdfi.video.estimate` makes as a table of two columns."""
    segments, seconds = plan["segments"], plan["estimated_seconds"]
    before, after = plan["rate"]
    least, most = plan["estimated_seconds_range"]
    rows = {
        "source": plan["source"],
        "target": plan["target"],
        "size": "{} x {}".format(*plan["size"]),
        "pixel format": " -> ".join(plan["pixel_format"]),
        "encoder": plan["encoder"],
        "frames": f"{plan['source_frames']:,} -> {plan['frames']:,}",
        "rate": f"{before:g} -> {after:g} frames/s",
        "duration": f"{plan['duration']:g} s",
        "finished segments": f"{segments['finished']} of {segments['all']}",
        "memory of the network": "unknown" if plan["memory"] is None else _bytes(plan["memory"]),
        "one interpolated frame": f"{plan['seconds_per_interpolated_frame']:g} s",
        "estimated time": f"{_time(seconds)} ({_time(least)} to {_time(most)})",
        "disk space": f"{_bytes(plan['disk_needed'])} of {_bytes(plan['free_disk'])} free",
    }
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    for loss in plan.get("losses", ()):
        table.add_row("loss", str(loss))
    if plan["disk_needed"] > plan["free_disk"]:
        table.add_row("warning", "the disk may become full")
    return table


def _time(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _bytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"

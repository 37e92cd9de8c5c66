"""The sizes at which motion may be estimated, by their names."""

#: How often frames are halved for each scale; None decides by their size.
HALVINGS: dict[str, int | None] = {"1": 0, "0.5": 1, "0.25": 2, "0.125": 3, "auto": None}


def check_scale(scale: str | float) -> str:
    """Return ``scale`` as a key of ``HALVINGS``.

    Raises:
        ValueError: it is not one of them.
    """
    name = scale.strip().lower() if isinstance(scale, str) else f"{scale:g}"
    name = {"1.0": "1", "1/2": "0.5", "1/4": "0.25", "1/8": "0.125", ".5": "0.5"}.get(name, name)
    if name not in HALVINGS:
        raise ValueError(f"expected a scale of {', '.join(HALVINGS)}, got {scale!r}")
    return name

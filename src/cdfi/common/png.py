"""The header of PNG files."""

PNG_HEAD = 25  # bytes that hold the depth


def png_depth(head: bytes) -> int:
    """Return the bits per sample of a PNG, from its first :data:`PNG_HEAD` bytes."""
    return head[24]

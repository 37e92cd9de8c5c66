"""Thresholds of scene detection that users can change."""

SCENE_THRESHOLD = 10.0  # libav's own default for scdet, in percent

"""The bilateral cost volume of two feature maps."""

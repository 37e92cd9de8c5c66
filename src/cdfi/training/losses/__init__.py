"""Losses: their terms, flow supervision and the objective of a step."""

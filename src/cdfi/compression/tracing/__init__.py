"""Trace a module to find which layers share channels."""

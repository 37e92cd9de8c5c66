"""Adapters for other programs: VapourSynth and ComfyUI."""

"""Adapters for programs that call us: VapourSynth and ComfyUI."""

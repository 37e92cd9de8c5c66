"""When frames are shown: rates, timelines, spans between frames, scene changes."""

"""Write a video: codecs, encoders, image files, copied streams, audio."""

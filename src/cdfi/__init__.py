"""Video frame interpolation with small networks, and the method that makes networks small."""

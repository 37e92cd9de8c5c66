"""AdaCoF: warp an image by a kernel of free sampling points per pixel."""

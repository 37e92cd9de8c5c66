"""AdaCoF: warp an image by a K x K kernel of free sampling points per pixel."""

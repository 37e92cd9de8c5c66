"""Smooth the frames of a generative model: 8 frames a second become 24."""

import torch

import cdfi


def pipeline(frames: int = 5, size: int = 48) -> torch.Tensor:
    """Stand in for a video diffusion pipeline: (B, T, 3, H, W) in [0, 1]."""
    shift = torch.arange(frames)[:, None, None, None] * 2 + torch.arange(size)
    return (torch.sin(shift / 8) / 2 + 0.5).expand(frames, 3, size, size)[None].float()


def main() -> torch.Tensor:
    """Generate a clip and interpolate it, on the device where it is."""
    video = pipeline()
    smooth = cdfi.interpolate_frames(video, fps=24, source_fps=8)
    print(tuple(video.shape), "->", tuple(smooth.shape))
    return smooth


if __name__ == "__main__":
    main()

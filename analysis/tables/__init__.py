"""The paper's tables as tidy frames: frame in, frame out."""

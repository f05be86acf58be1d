"""Whether the columns of a model determine each other."""

import numpy as np

ROWS_AT_ONCE = 16_384


def is_of_full_rank(columns: np.ndarray) -> bool:
    """Whether no column of a matrix (rows at least as many) is determined by the others, to double precision.

    By the singular values of its triangle, which is that of the triangles of some rows at a time.
    """
    triangle = np.empty((0, columns.shape[1]))
    for start in range(0, len(columns), ROWS_AT_ONCE):
        triangle = np.linalg.qr(np.vstack([triangle, columns[start : start + ROWS_AT_ONCE]]), mode="r")
    sizes = np.linalg.svd(triangle, compute_uv=False)
    return len(sizes) == columns.shape[1] and bool(sizes[-1] > sizes[0] * max(columns.shape) * np.finfo(float).eps)

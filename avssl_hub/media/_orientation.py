"""Display matrices: how coded pictures are turned and mirrored to stand upright."""

import av
import numpy as np


def _quarter_turns(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Signs of (a, b, c, d) in x' = a x + c y, y' = b x + d y, with y downwards."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(matrix, dtype=np.int32)[:5]
    signs = np.sign([a, 0, 0, d]) if abs(int(a)) >= abs(int(b)) else np.sign([0, b, c, 0])
    return tuple(map(int, signs))


def upright(picture: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Turn and mirror a picture ``(H, W, ...)`` as its frame's display matrix says, without copying."""
    a, b, c, d = _quarter_turns(frame)
    if b:
        picture = picture.swapaxes(0, 1)
    return picture[:: -1 if b + d < 0 else 1, :: -1 if a + c < 0 else 1]


def rotation(frame: av.VideoFrame) -> int:
    """Degrees clockwise, 0, 90, 180 or 270, by which pictures are turned (before they are mirrored, if they are)."""
    a, b, c, d = _quarter_turns(frame)
    if a * d - b * c < 0:
        a = -a
    return {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}[a, b]

"""A small picture of an image with a frame around what leaks, for the report."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pacslab.cohort import Box

WIDEST = 420
FRAME = (255, 200, 0)


def thumbnail(plane: np.ndarray, boxes: list[Box]) -> bytes:
    """Return a PNG of a frame of shape (rows, columns[, samples]), at most 420 pixels wide, with the boxes drawn."""
    plane = np.asarray(plane, dtype=np.float32)
    low, high = np.percentile(plane, [0.5, 99.5])
    scaled = np.clip((plane - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
    picture = Image.fromarray(scaled[..., :3] if scaled.ndim == 3 else scaled).convert("RGB")
    scale = min(1.0, WIDEST / picture.width)
    picture = picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        left, top = box.column * scale, box.row * scale
        draw.rectangle((left, top, left + box.width * scale, top + box.height * scale), outline=FRAME, width=2)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()

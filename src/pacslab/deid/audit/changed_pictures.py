"""Searching pictures that were changed as a whole, such as cropped ones, for burned-in text at any place.

Such a search is slow, so an audit makes so many at most: an output of many strange pictures must not stop it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pacslab.deid.audit.pixel_scan import marks_left
from pacslab.deid.audit.pixels.glyph_match import text_anywhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from pacslab.cohort import InstanceKey, PlantedIdentifier
    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.pixel_scan import PixelScan

SEARCHES = 8
"""How many pictures that are not of the studies are searched for their burned-in text, for each of their images."""
TOO_MANY = "there are too many pictures that are not of this study to look into each: keep only the study's"


@dataclass(frozen=True)
class SearchBudget:
    """How many searches one audit may make.

    ``texts`` is the most that one search is for: a search for more of them counts as several.
    """

    searches: int
    texts: int = 16

    @classmethod
    def for_images(cls, count: int) -> SearchBudget:
        """Return the budget for studies of so many images."""
        return cls(SEARCHES * count)


class SearchAccount:
    """The searches that are left in one audit.

    Parameters
    ----------
    budget
        What the audit may spend.

    """

    def __init__(self, budget: SearchBudget) -> None:
        self.left = budget.searches
        self._texts = budget.texts

    def spend(self, texts: int) -> None:
        """Count one search for some texts."""
        self.left -= max(1, texts // self._texts)


def rescan(
    scan: PixelScan,
    frames: Sequence[np.ndarray],
    instance: InstanceKey | None,
    archive: AuditKey,
    account: SearchAccount,
) -> PixelScan:
    """Return the scan of a changed picture with the burned-in text and the face that are left in it.

    Parameters
    ----------
    scan, frames
        The first scan, and the pixels of each frame.
    instance
        The image that the file was matched to: text of its study is sought; of all studies where it is none.
    archive
        The images, and the text that was burned into them.
    account
        The searches that are left. Where it is used up, the picture counts as one that cannot be decoded.

    """
    burned = archive.images.burned(archive.images_beside(instance))
    face, standing = marks_left(frames, burned, archive.face_of(instance))
    sought = tuple({planted.mask: planted for planted in burned if planted not in standing}.values())
    masks = [planted.glyphs() for planted in sought]
    moved: dict[PlantedIdentifier, None] = {}
    complete = True
    for plane in frames:
        complete = account.left > 0
        if not complete:
            break
        account.spend(len(masks))
        moved |= dict.fromkeys(sought[index] for index in text_anywhere(plane, masks))
    return replace(
        scan,
        standing=standing,
        moved=tuple(moved),
        face=face,
        undecodable=scan.undecodable if complete else TOO_MANY,
    )

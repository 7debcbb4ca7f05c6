"""Synthetic images that probes store in the archive and delete again."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import httpx
import pydicom
from pydicom.uid import generate_uid

if TYPE_CHECKING:
    from pacslab.probes.target import Target


def synthetic_image(target: Target, mark: str, description: str) -> tuple[str, bytes]:
    """Return the Study Instance UID and the file of one small image.

    The image is cut out of the scanner's own follow-up study, so it is marked as synthetic. The same ``mark`` gives
    the same UIDs, so an image that could not be deleted is not stored a second time by the next assessment.
    """
    dataset = pydicom.dcmread(io.BytesIO(target.follow_up[0]))
    seed = [str(dataset.SOPInstanceUID), mark]
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[*seed, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[*seed, "series"])
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[*seed, "instance"])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyDescription = description
    out = io.BytesIO()
    dataset.save_as(out)
    return str(dataset.StudyInstanceUID), out.getvalue()


def delete_study(target: Target, study_uid: str) -> int | None:
    """Delete a probe's study from the archive as the administrator; return how many images it held.

    Returns
    -------
    int or None
        The number of instances; None if the administrator could not search or delete. The study then stays until an
        assessment can delete it, and the archive is broken for the hospital anyway.

    """
    try:
        with target.web(target.handover.web.administrator) as client:
            question = {"Level": "Study", "Query": {"StudyInstanceUID": study_uid}}
            answer = client.post("/tools/find", json=question)
            if answer.status_code != httpx.codes.OK:
                return None
            count = 0
            for study in answer.json():
                count += int(client.get(f"/studies/{study}/statistics").json()["CountInstances"])
                with target.drawing:
                    client.delete(f"/studies/{study}")
            return count
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None

"""Invented images that probes store and take away again: one picture of a study that nobody was examined for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import httpx
import pydicom
from pydicom.uid import generate_uid

if TYPE_CHECKING:
    from pacslab.probes.target import Target


def picture(site: Target, mark: str, description: str) -> tuple[str, bytes]:
    """Return the Study Instance UID and the file of one small image.

    The image is cut out of the scanner's own follow-up study, so it says that it is synthetic. The same ``mark`` gives
    the same UIDs, so what a probe could not take away is not there twice after the next one.
    """
    dataset = pydicom.dcmread(io.BytesIO(site.follow_up[0]))
    seed = [str(dataset.SOPInstanceUID), mark]
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[*seed, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[*seed, "series"])
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[*seed, "instance"])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyDescription = description
    out = io.BytesIO()
    dataset.save_as(out)
    return str(dataset.StudyInstanceUID), out.getvalue()


def delete_study(site: Target, study_uid: str) -> int | None:
    """Delete a probe's study from the archive as the administrator; return how many of its images were there.

    None means that the administrator could not look. The study then stays until one can, and the archive is broken for
    the hospital anyway.
    """
    try:
        with site.web(site.handover.web.administrator) as client:
            question = {"Level": "Study", "Query": {"StudyInstanceUID": study_uid}}
            answer = client.post("/tools/find", json=question)
            if answer.status_code != httpx.codes.OK:
                return None
            count = 0
            for one in answer.json():
                count += int(client.get(f"/studies/{one}/statistics").json()["CountInstances"])
                with site.drawing:
                    client.delete(f"/studies/{one}")
            return count
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None

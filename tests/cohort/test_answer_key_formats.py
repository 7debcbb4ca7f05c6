"""The key to keep, the key to look somebody up in, and the copy that tells a student nothing."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from pacslab.cohort.answer_key import Box
from pacslab.cohort.answer_key_formats import for_student, from_compact, to_compact
from pacslab.cohort.pixel_digests import digest_outside
from pacslab.errors import ScenarioError


def test_answer_key_compact_form_is_a_tenth_and_the_same(key):
    compact = to_compact(key)
    assert from_compact(compact) == key
    assert len(compact) * 10 < len(key.model_dump_json())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c[:-9],
        lambda c: c[:40],
        lambda c: b"PK" + c,
        lambda _: b"",
        lambda c: c[:14] + zlib.compress(b'{"planted": [1]}'),
    ],
)
def test_answer_key_damaged_is_refused_in_one_line(key, spoil):
    with pytest.raises(ScenarioError, match="not an answer key") as caught:
        from_compact(spoil(to_compact(key)))
    assert "\n" not in caught.value.problem


def test_answer_key_covers_every_instance(key, datasets):
    assert key.complete
    assert {identifier.sop_instance_uid for identifier in key.planted} == set(datasets)
    for instance in key.instances():
        assert (instance.pixels_outside is None) == (not hasattr(datasets[instance.sop_instance_uid], "PixelData"))


def test_answer_key_finds_a_patient_by_any_identifier(key):
    for patient in key.patients:
        study = patient.studies[0]
        for token in (
            patient.spoken_name.upper(),
            patient.name,
            patient.national_number,
            patient.phone.replace(" ", "-"),
            study.accession_number,
            study.instances[-1].sop_instance_uid,
        ):
            assert key.who_is(token) == (patient,), token
        assert key.with_number_ending(patient.national_number[-4:]) == (patient,)
    assert key.who_is("Nobody Atall") == ()
    assert key.who_is("") == ()


def test_answer_key_for_students_holds_no_answer(key):
    copy = for_student(key, b"sixteen bytes ..")
    written = copy.model_dump_json()
    for name, value in key.facts.items():
        if name in key.told:
            assert copy.told[name] == value
            continue
        assert copy.agrees(name, value.upper())
        assert not copy.agrees(name, value + "x")
        assert len(value) < 4 or value in copy.told.values() or value not in written
    assert copy.answers != for_student(key, b"another sixteen.").answers
    with pytest.raises(ValueError, match="too short"):
        for_student(key, b"short")


def test_answer_key_boxes_cover_every_frame_and_colour():
    frames = np.arange(2 * 40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 40, 60, 3)
    box = [Box(column=20, row=10, width=6, height=4)]
    for picture, at in ((frames, (1, 11, 22, 2)), (frames[0], (11, 22, 0)), (frames[..., 0], (1, 11, 22))):
        changed = picture.copy()
        changed[at] ^= 1
        assert digest_outside(changed, box) == digest_outside(picture, box)
        changed[at[:-3] + (0, 0) + ((0,) if picture.shape[-1] == 3 else ())] ^= 1
        assert digest_outside(changed, box) != digest_outside(picture, box)

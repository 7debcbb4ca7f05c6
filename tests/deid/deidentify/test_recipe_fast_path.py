"""The recipe's fast path writes the bytes that pydicom alone would write."""

from __future__ import annotations

from pacslab.deid.deidentify.fast_path import RepeatedElements
from pacslab.deid.deidentify.head_series import HeadSliceInput
from pacslab.deid.deidentify.policy import load_policy
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import FileDeidentifier
from tests.support.cohorts import whole
from tests.support.outputs import SECRET


def test_fast_path_gives_the_same_files_as_dcmwrite():
    pseudonyms, policy = Pseudonyms(SECRET), load_policy()
    plain = FileDeidentifier(pseudonyms, policy, read_text=False)
    fast = FileDeidentifier(pseudonyms, policy, read_text=False, repeated=RepeatedElements())
    written = 0
    for name, content in whole().files.items():
        file = HeadSliceInput(name, content)
        expected = plain(file)
        assert fast(file) == expected, name
        written += bool(expected[1])
    assert written > 100

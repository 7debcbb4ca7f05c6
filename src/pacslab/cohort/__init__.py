"""Synthetic patients: from a recipe and a variant to DICOM files and the answer key."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

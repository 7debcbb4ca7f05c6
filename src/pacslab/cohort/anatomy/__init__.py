"""Procedural anatomy: what each modality shows of an invented body. Arrays in, arrays out; no DICOM here."""

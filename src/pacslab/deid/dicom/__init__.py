"""Reading DICOM files that nobody vouches for: folders, elements, texts, pixels, DICOMDIR."""

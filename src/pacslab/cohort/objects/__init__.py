"""The DICOM objects of a study: datasets of images, reports and presentation states, and the traps planted in them."""

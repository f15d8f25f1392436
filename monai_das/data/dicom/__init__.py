"""DICOM files: which make one stack, whose slices they are, and their pixels, one frame at a time."""

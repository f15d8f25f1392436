"""Studies on DICOMweb servers."""

"""A study goes to a real server and is read back slice by slice; the results go there too and lie beside it."""

import numpy as np
from dicomweb_client import DICOMwebClient
from pydicom import dcmread

from monai_das.data import open_source
from monai_das.inference import Predictor
from monai_das.reports.key_objects import write_key_objects
from monai_das.reports.structured_report import write_structured_report
from tests.e2e.deploy_runs import MODEL, write_head_ct


def test_results_are_found_beside_the_study_on_the_server(orthanc, tmp_path):
    write_head_ct(tmp_path / "series")
    images = [dcmread(path) for path in sorted((tmp_path / "series").iterdir())]
    study, series = str(images[0].StudyInstanceUID), str(images[0].SeriesInstanceUID)
    server = DICOMwebClient(orthanc.dicomweb)
    server.store_instances(images)
    predictor = Predictor.from_torchscript(MODEL)

    source = open_source(f"{orthanc.dicomweb}/studies/{study}/series/{series}")
    result = predictor.predict(source, "case")
    write_key_objects(result, source, tmp_path / "kos.dcm")
    write_structured_report(result, source, tmp_path / "sr.dcm")
    server.store_instances([dcmread(tmp_path / "kos.dcm"), dcmread(tmp_path / "sr.dcm")])

    found = server.search_for_series(study)
    assert sorted(each["00080060"]["Value"][0] for each in found) == ["CT", "KO", "SR"]
    local = predictor.predict(tmp_path / "series", "case")
    assert len(result.scores) == len(local.scores) == len(images)
    # the server draws thumbnails in 8 bits: the choice may differ, what is read of a slice may not
    uids = [each.ref.sop_instance_uid for each in result.selected]
    assert set(uids) <= {str(image.SOPInstanceUID) for image in images}
    indices = [each.index for each in result.selected]
    np.testing.assert_array_equal(source.read(indices), open_source(tmp_path / "series").read(indices))

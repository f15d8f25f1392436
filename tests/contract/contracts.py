"""Contracts for bundles that a test makes."""

import json

from monai_das.contract import write_terms

ANY = dict.fromkeys(("modality", "body_part", "dicom_attributes", "values", "slices", "spacing"))


def change_contract(bundle, **fields):
    """Let the metadata of the folder ``bundle`` state other fields of the block ``contract``."""
    edit_metadata(bundle, lambda metadata: metadata["contract"].update(fields))


def edit_metadata(bundle, change):
    """Call ``change`` with the metadata of the folder ``bundle``, and write what it leaves."""
    path = bundle / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    change(metadata)
    path.write_text(json.dumps(metadata), encoding="utf-8")


def hold_contract(bundle):
    """Let the weights of the folder ``bundle`` hold what its metadata state now."""
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    write_terms(bundle / "models" / "model.pt", metadata)


def accept_all(bundle):
    """Let the folder ``bundle`` accept every input, before it has weights."""
    change_contract(bundle, **ANY)

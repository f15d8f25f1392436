"""Unit test in the form of MONAI's Model Zoo: put it into ``ci/unit_tests``, the bundle into ``models``."""

import os
import shutil
import tempfile
import unittest

import nibabel
import numpy as np
from monai.bundle import ConfigWorkflow

BUNDLE = "models/adrenal_ct_classification"
TRAINING = {"size": 28, "num_slices": 3, "batch_size": 4, "train#trainer#max_epochs": 1, "checkpoints": False}


def workflow(kind, *names, **override):
    """Return a checked and initialized workflow of the configs ``names`` of the bundle."""
    made = ConfigWorkflow(
        workflow_type=kind,
        config_file=[os.path.join(BUNDLE, "configs", name) for name in names],
        logging_file=os.path.join(BUNDLE, "configs", "logging.conf"),
        meta_file=os.path.join(BUNDLE, "configs", "metadata.json"),
        bundle_root=BUNDLE,
        **override,
    )
    made.initialize()
    problems = made.check_properties()
    if problems:
        raise ValueError(f"check properties of {', '.join(names)} failed: {problems}")
    return made


class TestAdrenalCTClassification(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        random, arrays = np.random.default_rng(0), {}
        for split, number in {"train": 12, "val": 8, "test": 8}.items():
            labels = np.arange(number) % 2
            images = random.integers(0, 50, (number, 28, 28, 28), dtype=np.uint8)
            images[labels == 1, 14, 8:20, 8:20] = 255
            arrays |= {f"{split}_images": images, f"{split}_labels": labels[:, None].astype(np.uint8)}
        np.savez(os.path.join(self.folder, "adrenalmnist3d.npz"), **arrays)
        os.makedirs(os.path.join(self.folder, "cases"))
        mask = nibabel.Nifti1Image(255 * (images[1] > 60).astype(np.uint8), np.eye(4))
        nibabel.save(mask, os.path.join(self.folder, "cases", "case.nii.gz"))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def test_train_eval_config(self):
        override = {**TRAINING, "dataset_dir": self.folder, "output_dir": os.path.join(self.folder, "out")}
        trainer = workflow("train", "train.json", **override)
        trainer.run()
        trainer.finalize()

        override["ckpt"] = os.path.join(self.folder, "out", "model.pt")
        validator = workflow("train", "train.json", "evaluate.json", **override)
        validator.run()
        validator.finalize()
        self.assertTrue(os.path.isfile(os.path.join(self.folder, "out", "predictions.csv")))

    def test_infer_config(self):
        output = os.path.join(self.folder, "out")
        inferrer = workflow(
            "infer", "inference.json", dataset_dir=os.path.join(self.folder, "cases"), output_dir=output
        )
        inferrer.run()
        inferrer.finalize()
        self.assertTrue(os.path.isfile(os.path.join(output, "predictions.csv")))


if __name__ == "__main__":
    unittest.main()

"""Unit test in the form of MONAI's Model Zoo: put it into ``ci/unit_tests``, the bundle into ``models``."""

import os
import shutil
import tempfile
import unittest

import nibabel
import numpy as np
from monai.bundle import ConfigWorkflow

BUNDLE = "models/brain_flair_classification"
TRAINING = {
    "size": 32,
    "num_folds": 3,
    "batch_size": 4,
    "pretrained": False,
    "train#trainer#max_epochs": 1,
    "checkpoints": False,
}


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


class TestBrainFlairClassification(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        images = os.path.join(self.folder, "lgg_flair", "images")
        os.makedirs(images)
        random, tables = np.random.default_rng(0), {"cases": ["case,image,slices,location_code"]}
        tables["slices"] = ["case,slice,tumour_pixels"]
        for patient in range(6):
            volume = random.integers(0, 100, (32, 32, 18), dtype=np.uint8)
            volume[8:16, 8:16, 6:9] = 200
            nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), os.path.join(images, f"{patient}.nii.gz"))
            tables["cases"].append(f"P{patient},images/{patient}.nii.gz,18,2")
            tables["slices"] += [f"P{patient},{place},{int(6 <= place < 9)}" for place in range(18)]
        for name, lines in tables.items():
            with open(os.path.join(self.folder, "lgg_flair", f"{name}.csv"), "w") as file:
                file.write("\n".join(lines))

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
        brains, output = os.path.join(self.folder, "lgg_flair", "images"), os.path.join(self.folder, "out")
        inferrer = workflow("infer", "inference.json", dataset_dir=brains, output_dir=output)
        inferrer.run()
        inferrer.finalize()
        self.assertTrue(os.path.isfile(os.path.join(output, "predictions.csv")))


if __name__ == "__main__":
    unittest.main()

"""Unit test in the form of MONAI's Model Zoo: put it into ``ci/unit_tests``, the bundle into ``models``."""

import os
import shutil
import tempfile
import unittest

import av
import numpy as np
from monai.bundle import ConfigWorkflow

BUNDLE = "models/lung_ultrasound_classification"
TRAINING = {
    "size": 32,
    "depth": 6,
    "num_slices": 3,
    "num_folds": 3,
    "batch_size": 4,
    "pretrained": False,
    "train#trainer#max_epochs": 1,
    "checkpoints": False,
}


def write_clip(path, frames):
    """Write ``frames`` ``(D, rows, columns, 3)`` uint8 as a video."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())


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


class TestLungUltrasoundClassification(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        videos, lines = os.path.join(self.folder, "covid_blues", "lus_videos"), ["video_file,Severity Score"]
        os.makedirs(videos)
        random = np.random.default_rng(0)
        for patient in range(6):
            for number in (1, 2):
                frames = random.integers(0, 60, (5 + number, 32, 32, 3), dtype=np.uint8)
                frames[:, :, 12:18] += np.uint8(60 * (patient % 4))
                write_clip(os.path.join(videos, f"patient_{patient}_L{number}.mp4"), frames)
                lines.append(f"patient_{patient}_L{number},{patient % 4}.0")
        with open(os.path.join(self.folder, "covid_blues", "severity.csv"), "w") as file:
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
        clips, output = os.path.join(self.folder, "covid_blues", "lus_videos"), os.path.join(self.folder, "out")
        inferrer = workflow("infer", "inference.json", dataset_dir=clips, output_dir=output)
        inferrer.run()
        inferrer.finalize()
        self.assertTrue(os.path.isfile(os.path.join(output, "predictions.csv")))


if __name__ == "__main__":
    unittest.main()

"""Test of several processes in the form of MONAI's Model Zoo: put it into ``ci/unit_tests``."""

import os
import unittest

import test_brain_flair_classification as single
import torch
from utils import export_config_and_run_mgpu_cmd


class TestBrainFlairClassificationMGPU(unittest.TestCase):
    setUp = single.TestBrainFlairClassification.setUp
    tearDown = single.TestBrainFlairClassification.tearDown

    def test_train_mgpu_config(self):
        configs = os.path.join(single.BUNDLE, "configs")
        folders = {"dataset_dir": self.folder, "output_dir": os.path.join(self.folder, "out")}
        export_config_and_run_mgpu_cmd(
            config_file=[os.path.join(configs, name) for name in ("train.json", "multi_gpu_train.json")],
            logging_file=os.path.join(configs, "logging.conf"),
            meta_file=os.path.join(configs, "metadata.json"),
            override_dict={**single.TRAINING, **folders, "bundle_root": single.BUNDLE},
            output_path=os.path.join(configs, "train_override.json"),
            ngpu=torch.cuda.device_count() or 2,
        )


if __name__ == "__main__":
    unittest.main()

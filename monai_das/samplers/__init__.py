"""WHICH slices: every sampler turns thumbnails into a Selection."""

from monai_das.samplers.adps import ADPSSampler
from monai_das.samplers.attention_mil import DASAttentionMILSampler
from monai_das.samplers.base import Sampler
from monai_das.samplers.das import DASSampler
from monai_das.samplers.das_gate import DASGateSampler
from monai_das.samplers.das_paper import DASPaperSampler
from monai_das.samplers.dps import DPSSampler
from monai_das.samplers.even import DASEvenSampler
from monai_das.samplers.fixed import (
    DASCentreSampler,
    DASFullSampler,
    DASRandomSampler,
    DASTopVarianceSampler,
    DASUniformSampler,
)
from monai_das.samplers.param_groups import sampler_param_groups
from monai_das.samplers.perturbed_topk import PerturbedTopKSampler
from monai_das.samplers.pga_dps import PGADPSSampler
from monai_das.samplers.policy_topk import PolicyTopKSampler
from monai_das.samplers.selection import Selection, take_slices

__all__ = [
    "ADPSSampler",
    "DASAttentionMILSampler",
    "DASCentreSampler",
    "DASEvenSampler",
    "DASFullSampler",
    "DASGateSampler",
    "DASPaperSampler",
    "DASRandomSampler",
    "DASSampler",
    "DASTopVarianceSampler",
    "DASUniformSampler",
    "DPSSampler",
    "PGADPSSampler",
    "PerturbedTopKSampler",
    "PolicyTopKSampler",
    "Sampler",
    "Selection",
    "sampler_param_groups",
    "take_slices",
]

"""Data sets by name, datalists, splits by patient, reviewed cases, and volumes to try things on."""

from monai_das.datasets.csv_table import CSVTable, csv_separator, decoded_csv, read_csv_table
from monai_das.datasets.data_look import DataLook, look_at_data
from monai_das.datasets.datalist_part import datalist_part
from monai_das.datasets.datalists import (
    csv_datalist,
    datalist_classes,
    datalist_places,
    dicom_datalist,
    folder_datalist,
    split_by_patient,
    write_datalist,
)
from monai_das.datasets.fingerprint import data_fingerprint
from monai_das.datasets.held_out import group_place, split_by_group
from monai_das.datasets.lgg_flair import lgg_flair_datalist, lgg_flair_items, lgg_flair_sets
from monai_das.datasets.medmnist import medmnist3d_datalist, medmnist3d_file
from monai_das.datasets.proposal import Proposal, propose
from monai_das.datasets.reviewed import is_held_out, reviewed_datalist
from monai_das.datasets.sample import make_sample_volumes, write_nifti
from monai_das.datasets.sample_dicom import write_dicom_series
from monai_das.datasets.sample_syntax import compress_dicom_series
from monai_das.datasets.ultrasound import busv_items, covid_blues_datalist, covid_blues_items

__all__ = [
    "CSVTable",
    "DataLook",
    "Proposal",
    "busv_items",
    "compress_dicom_series",
    "covid_blues_datalist",
    "covid_blues_items",
    "csv_datalist",
    "csv_separator",
    "data_fingerprint",
    "datalist_classes",
    "datalist_part",
    "datalist_places",
    "decoded_csv",
    "dicom_datalist",
    "folder_datalist",
    "group_place",
    "is_held_out",
    "lgg_flair_datalist",
    "lgg_flair_items",
    "lgg_flair_sets",
    "look_at_data",
    "make_sample_volumes",
    "medmnist3d_datalist",
    "medmnist3d_file",
    "propose",
    "read_csv_table",
    "reviewed_datalist",
    "split_by_group",
    "split_by_patient",
    "write_datalist",
    "write_dicom_series",
    "write_nifti",
]

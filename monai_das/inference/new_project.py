"""A bundle for somebody's own data: the packaged bundle's configs, with what the data ask for."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_das.contract import Contract
from monai_das.datasets import DataLook, Proposal, write_datalist
from monai_das.inference.bundle_files import packaged_bundle
from monai_das.inference.trained_bundle import own_texts
from monai_das.inference.trained_preprocessing import inference_steps

TAKEN = ("evaluate.json", "multi_gpu_train.json", "lazy_inference.json", "logging.conf")
# characters that mean something in MONAI's configs
SPECIAL = ("#", "@", "$", "%")
LICENSE = "The owner of the data decides on the licence of these configs and of weights trained with them.\n"


def write_project(look: DataLook, proposal: Proposal, root: Path, project: Path) -> None:
    """Write a bundle that trains on the cases of ``look`` below the folder ``root``, whole or not at all.

    Args:
        look, proposal: what was found, and settings.
        root: folder of the cases.
        project: folder to make, which must not hold anything yet.

    Raises:
        FileExistsError: ``project`` holds something.
    """
    if project.exists() and (not project.is_dir() or any(project.iterdir())):
        raise FileExistsError(f"{project} holds something already; give a new folder")
    project.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.parent, prefix=".monai_das_") as folder:
        made = Path(folder) / "project"
        (made / "configs").mkdir(parents=True)
        (made / "docs").mkdir()
        packaged = packaged_bundle() / "configs"
        for name in TAKEN:
            shutil.copyfile(packaged / name, made / "configs" / name)
        train, inference, metadata = project_configs(packaged, look, proposal, root)
        review = {**project_review(packaged, train), "holdout_seed": look.seed}
        configs = {"train": train, "inference": inference, "review": review, "metadata": metadata}
        for name, config in configs.items():
            text = json.dumps(config, indent=4, ensure_ascii=False) + "\n"
            (made / "configs" / f"{name}.json").write_text(text, encoding="utf-8")
        write_datalist(_datalist(look, root), made / "datalist.json")
        _write_left_out(look, made / "left_out.csv")
        (made / "LICENSE").write_text(LICENSE, encoding="utf-8")
        (made / "docs" / "data_license.txt").write_text(LICENSE, encoding="utf-8")
        rows = "\n".join(f"| {name} | {text} |" for name, text in look.table(proposal))
        (made / "docs" / "README.md").write_text(
            f"# {metadata['name']}\n\n| | |\n|---|---|\n{rows}\n", encoding="utf-8"
        )
        if project.exists():
            project.rmdir()
        made.rename(project)


def project_configs(
    packaged: Path, look: DataLook, proposal: Proposal, root: Path
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return ``train.json``, ``inference.json`` and ``metadata.json``."""
    parser = ConfigParser(
        ConfigParser.load_config_files([str(packaged / name) for name in ("train.json", "own_data.json")])
    )
    settings: dict[str, Any] = {
        "batch_size": proposal.batch_size,
        "epochs": proposal.epochs,
        "class_weights": list(proposal.class_weights),
        "cache_rate": proposal.cache_rate,
        "clips": proposal.clips,
        "dataset_dir": "" if _special(root) else str(root.resolve()),
    }
    if proposal.clips:
        settings["network_def::sampler::variance"] = "between"
    if proposal.size <= 32:
        settings |= {"network_def::backbone::conv1_t_size": 3, "network_def::backbone::no_max_pool": True}
    for name, value in settings.items():
        parser[name] = value
    train: dict[str, Any] = parser.get()
    train.pop("_desc_", None)
    inference: dict[str, Any] = json.loads((packaged / "inference.json").read_text(encoding="utf-8"))
    inference |= {"network_def": train["network_def"], "intensity": train["intensity"]}
    inference["preprocessing"] = {"_target_": "Compose", "transforms": inference_steps(inference, train)}
    template: dict[str, Any] = json.loads((packaged / "metadata.json").read_text(encoding="utf-8"))
    return train, inference, project_metadata(template, look, proposal)


def project_review(packaged: Path, train: dict[str, Any]) -> dict[str, Any]:
    """Return ``review.json``, which prepares reviewed cases as the project's training does, and flips no more."""
    review: dict[str, Any] = json.loads((packaged / "review.json").read_text(encoding="utf-8"))
    review.pop("flip_prob", None)
    steps = "train#deterministic_transforms"
    # the last two carry the verdicts of readers beside the image
    review[steps] = train["train"]["deterministic_transforms"][:-1] + review[steps][-2:]
    return review


def project_metadata(template: dict[str, Any], look: DataLook, proposal: Proposal) -> dict[str, Any]:
    """Return the metadata of the project; those of the packaged bundle say versions and the network's numbers."""
    classes = ", ".join(look.classes)
    kinds = sorted({fact.kind for fact in look.facts})
    metadata = {**template, **own_texts(look.classes), "version": "0.1.0", "data_type": ", ".join(kinds)}
    metadata |= {"changelog": {"0.1.0": "written by monai-das new"}, "eval_metrics": {}}
    metadata |= {"label_classes": "single number: " + ", ".join(f"{n} {name}" for n, name in enumerate(look.classes))}
    metadata |= {"pred_classes": f"probabilities of {len(look.classes)} classes: {classes}"}
    if "video" in kinds:
        metadata["required_packages_version"] = {**template["required_packages_version"], **_version_of("av")}
    contract = Contract(
        classes=look.classes,
        thumbnail_size=proposal.size,
        slice_axis=proposal.axis,
        intensity=proposal.intensity,
        num_slices=proposal.num_slices,
        intended_use=metadata["intended_use"],
        license="not stated",
        version="0.1.0",
        **proposal.terms,
    )
    return contract.into_metadata(metadata)


def next_commands(project: Path) -> list[str]:
    """Return the three commands that train, evaluate and use the bundle in ``project``, from any folder."""
    place, trained = project.as_posix(), f"{project.as_posix()}/runs"
    pair = f"\"['{trained}/configs/train.json','{trained}/configs/evaluate.json']\""
    return [
        f"python -m monai.bundle run --config_file '{place}/configs/train.json' --bundle_root '{place}'",
        f"python -m monai.bundle run --config_file {pair} --bundle_root '{trained}' && "
        f"monai-das evaluate '{trained}/eval/predictions.csv' --bundle '{trained}' --write",
        f"monai-das predict --bundle '{trained}' -o '{place}/results' INPUT",
    ]


def _datalist(look: DataLook, root: Path) -> dict[str, Any]:
    def placed(item: dict[str, Any]) -> dict[str, Any]:
        path = Path(item["image"])
        where = path.resolve() if _special(root) else path.relative_to(root)
        return {**item, "image": where.as_posix()}

    parts = {part: [placed(item) for item in items] for part, items in look.parts.items()}
    return {"labels": {str(number): name for number, name in enumerate(look.classes)}, "seed": look.seed, **parts}


def _special(root: Path) -> bool:
    return any(sign in str(root.resolve()) for sign in SPECIAL)


def _write_left_out(look: DataLook, file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("what", "why"), *look.labelled.left_out])


def _version_of(package: str) -> dict[str, str]:
    try:
        return {package: version(package)}
    except PackageNotFoundError:
        return {}

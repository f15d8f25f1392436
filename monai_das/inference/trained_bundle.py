"""The files of the bundle that a training leaves, made from the bundle that was trained and the config in use."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.bundle import ConfigParser

from monai_das._atomic import atomic_path
from monai_das.contract import Contract, class_names, training_cases
from monai_das.contract.weights import terms_of
from monai_das.datasets.fingerprint import data_fingerprint
from monai_das.inference.bundle_files import MARK, bundle_metadata
from monai_das.inference.trained_preprocessing import inference_steps, told_intensity, told_plane
from monai_das.metrics import figure_rows
from monai_das.networks import DASNetwork

Config = dict[str, Any]
# ids that say which data are trained on
DATA = ("dataset_name", "all_cases", "train_cases", "datalist", "class_names")
# of the data, and of weights that are no more
UNKNOWN: Config = dict.fromkeys(("modality", "body_part", "dicom_attributes", "values", "slices", "spacing"))
METADATA = MARK
VALIDATION = "validation"
DATALIST = "review.json"


class TrainedFacts(NamedTuple):
    """What a training found: its network, class names or None, measures, cases by part, epochs; has it a datalist?

    ``fine_tuned``: it started from the bundle's weights.
    """

    network: DASNetwork
    class_names: tuple[str, ...] | None
    figures: Config
    cases: Mapping[str, Sequence[Mapping[str, Any]]]
    epochs: int
    has_datalist: bool = False
    fine_tuned: bool = False


def files_of_bundle(root: Path, parser: ConfigParser, facts: TrainedFacts) -> dict[str, Config | str]:
    """Return what ``configs/*.json`` and ``docs/README.md`` of the trained bundle say, by their names.

    Args:
        root: the bundle that was trained.
        parser: of the config in use.
        facts: of the training.
    """
    template = _read(root / "configs" / "train.json")
    config = _plain({name: value for name, value in parser.get().items() if name != "_meta_"})
    metadata = trained_metadata(parser, template, config, facts)
    told = {name for name, value in template.items() if str(value).startswith("@_meta_#")}
    train = {**config, **{name: template[name] for name in told}, "bundle_root": "."}
    train["output_dir"] = "$@bundle_root + '/runs'"
    if facts.has_datalist:
        train["datalist"] = "$@bundle_root + '/datalist.json'"
    elif facts.fine_tuned:
        train["datalist"] = DATALIST  # what readers said of whose cases stays where it is
    inference = trained_inference(_read(root / "configs" / "inference.json"), template, train)
    return {
        "docs/README.md": readme(metadata),
        "configs/train.json": train,
        "configs/inference.json": inference,
        METADATA: metadata,
    }


def trained_metadata(parser: ConfigParser, template: Config, config: Config, facts: TrainedFacts) -> Config:
    """Return the metadata of the bundle that was trained, with what the config in use says instead."""
    metadata: Config = json.loads(json.dumps(parser.get("_meta_")))
    for name, value in template.items():
        if str(value).startswith("@_meta_#") and config.get(name) != value:
            _set(metadata, str(value)[len("@_meta_#") :].split("#"), parser.get_parsed_content(name))
    own = facts.class_names == class_names(metadata) or all(config.get(name) == template.get(name) for name in DATA)
    classes = _names(metadata, int(parser.get_parsed_content("num_classes")), own, facts)
    codes = (metadata.get("contract") or {}).get("class_codes", {})
    changed: Config = {} if own else dict(UNKNOWN)
    changed |= told_plane(parser, config) | told_intensity(parser, config)
    if changed.get("slice_axis") not in (None, parser.get("_meta_").get("settings", {}).get("slice_axis")):
        changed |= {"slices": None, "spacing": None}  # those of the metadata are along another axis
    metadata["contract"] = metadata.get("contract") or {}
    contract = Contract.from_metadata(
        metadata,
        classes=classes,
        thumbnail_size=facts.network.thumbnail_size,
        num_slices=facts.network.sampler.num_slices or None,
        threshold=metadata["contract"].get("threshold") if facts.fine_tuned else facts.figures.get("threshold"),
        class_codes={name: codes[name] for name in classes if name in codes},
        **changed,
    )
    metadata = contract.into_metadata(metadata)
    numbered = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
    metadata |= {} if own else own_texts(classes)
    before, done = metadata["version"], "fine-tuned" if facts.fine_tuned else "trained"
    metadata["version"] = raised(before) if facts.fine_tuned else f"{before.partition('+')[0]}+trained"
    if facts.fine_tuned:  # who was held out once is held out in all rounds
        metadata["held_out"] = {name: parser.get_parsed_content(f"holdout_{name}") for name in ("every", "seed")}
    metadata["changelog"] = {metadata["version"]: f"{done} for {facts.epochs} epochs", **metadata.get("changelog", {})}
    metadata |= {"label_classes": f"single number: {numbered}"}
    metadata |= {"pred_classes": f"probabilities of {len(classes)} classes: {', '.join(classes)}"}
    return metadata | {"eval_metrics": facts.figures, "training_data": _described(facts.cases, classes)}


def raised(version: str) -> str:
    """Return ``version`` with its last number raised.

    Example:
        >>> raised("0.7.0"), raised("0.7.1+trained"), raised("2"), raised("first")
        ('0.7.1', '0.7.2', '3', 'first.1')
    """
    plain = version.partition("+")[0]
    *start, last = plain.split(".")
    return ".".join([*start, str(int(last) + 1)]) if last.isascii() and last.isdigit() else f"{plain}.1"


def trained_inference(inference: Config, template: Config, train: Config) -> Config:
    """Return ``inference.json`` of the bundle that was trained, with network and preprocessing of the config in use."""
    result = {**inference, "network_def": train["network_def"]}
    for name in _referred(train["network_def"], train):
        if name not in result or train[name] != template.get(name):
            result[name] = train[name]
    # the metadata name the classes now
    result["class_names"] = None
    for name in ("slice_axis", "intensity"):
        if name in train:
            result[name] = train[name]
    if without_remarks(train["network_def"]) != without_remarks(inference.get("network_def")):
        result["imports"] = list(dict.fromkeys([*inference.get("imports", []), *train.get("imports", [])]))
    result["preprocessing"] = {"_target_": "Compose", "transforms": inference_steps(inference, train)}
    return result


def write_bundle(
    output: Path, files: Mapping[str, Config | str], network: DASNetwork, sources: tuple[Path, Path | None]
) -> None:
    """Write the bundle into ``output``, its metadata last; each file whole or not at all.

    Args:
        output: folder; other files in it stay.
        files: from :func:`files_of_bundle`.
        network: whose weights are the bundle's; they hold the contract of its metadata from now on.
        sources: the bundle that was trained, whose licence and further configs are taken along, and the datalist.
    """
    root, datalist = sources
    (output / METADATA).unlink(missing_ok=True)
    (output / "models" / "model.ts").unlink(missing_ok=True)
    copied = {path.relative_to(root).as_posix(): path for path in (root / "LICENSE", *(root / "configs").glob("*"))}
    if datalist is not None:
        copied["datalist.json"] = datalist
    for name, path in copied.items():
        if path.is_file() and name not in files and path.resolve() != (output / name).resolve():
            with atomic_path(output / name) as part:
                shutil.copyfile(path, part)
    metadata: Any = files[METADATA]
    network.contract.write(terms_of(Contract.from_metadata(metadata), training_cases(network.contract.read())))
    with atomic_path(output / "models" / "model.pt") as part:
        torch.save(network.state_dict(), part)
    for name in sorted(files, key=lambda each: each == METADATA):
        with atomic_path(output / name) as part:
            _write_text(files[name], part)


def readme(metadata: Config) -> str:
    """Return ``docs/README.md`` of a bundle, made from its ``metadata``."""
    metrics = metadata["eval_metrics"]
    rows = figure_rows({name: value for name, value in metrics.items() if name != VALIDATION})
    before = figure_rows(metrics.get(VALIDATION, {}))
    rows += f"\n\nDuring training, on the validation part:\n\n| | |\n|---|---|\n{before}" if before else ""
    classes = ", ".join(class_names(metadata))
    return (
        f"# {metadata['name']}\n\n{metadata['description']}\n\n## Classes\n{classes}\n\n## Intended use\n"
        f"{metadata['intended_use']}\n\n## Performance\n| | |\n|---|---|\n{rows}\n\n## Data\n"
        f"{metadata['data_source']}, SHA-256 `{metadata['training_data']['fingerprint']}`\n\n## Commands\n"
        "`python -m monai.bundle run --config_file \"['configs/train.json','configs/evaluate.json']\"`\n\n"
        "`monai-das predict --bundle . -o OUT INPUT`\n"
    )


def write_figures(bundle: Path, figures: Config, parts: Collection[str]) -> None:
    """Write what predictions of a bundle were measured to be into its metadata, and into the README of a training.

    The figures of the validation part, by which a training ended, stay beside them under ``validation``.

    Args:
        bundle: a folder.
        figures: measures with intervals, as :meth:`~monai_das.metrics.DASEvaluation.to_dict` gives them.
        parts: of the datalist from which the cases come; empty where nothing says it.

    Raises:
        FileNotFoundError: ``bundle`` is no folder of a bundle.
        ValueError: cases come from the part that was trained on, or from several.
    """
    if not bundle.is_dir():
        raise FileNotFoundError(f"{bundle} is no folder; figures are written into the folder of a bundle")
    metadata, _ = bundle_metadata(bundle)
    if len(parts) > 1 or "training" in parts:
        raise ValueError(
            f"the predicted cases are of the parts {', '.join(sorted(parts))} of the datalist; a model is measured on "
            "one part that it was not trained on: evaluate the test part"
        )
    before = metadata.get("eval_metrics") or {}
    part = next(iter(parts), "") or "not stated"
    metadata["eval_metrics"] = {"part": part, **figures}
    validation = before if before.get("part") == VALIDATION else before.get(VALIDATION)
    if validation and part != VALIDATION:
        metadata["eval_metrics"][VALIDATION] = validation
    files: dict[str, Config | str] = {METADATA: metadata}
    if "training_data" in metadata:
        files["docs/README.md"] = readme(metadata)
    for name, content in files.items():
        with atomic_path(bundle / name) as path:
            _write_text(content, path)


def without_remarks(node: Any) -> Any:
    """Return a config without its ``_desc_``."""
    if isinstance(node, dict):
        return {name: without_remarks(each) for name, each in node.items() if name != "_desc_"}
    return [without_remarks(each) for each in node] if isinstance(node, list) else node


def _names(metadata: Config, number: int, own: bool, facts: TrainedFacts) -> tuple[str, ...]:
    known = facts.class_names or (class_names(metadata) if own else ())
    return tuple(known) if len(known) == number else tuple(f"class {each}" for each in range(number))


def own_texts(classes: Sequence[str]) -> Config:
    """Return metadata of a model of somebody's own data, with ``classes``."""
    return {
        "name": f"Slice selection for {', '.join(classes)}",
        "task": f"Classification as {', '.join(classes)} from the few slices that a learned sampler selects",
        "description": "Trained with monai-das on cases of its owner",
        "data_source": "cases of its owner",
        "data_type": "not stated",
        "image_classes": "single channel, slices last",
        "intended_use": "Research. Not a medical device; not cleared by any authority; not for diagnosis",
        "authors": "not stated",
        "copyright": "not stated",
        "references": [],
    }


def _described(cases: Mapping[str, Sequence[Mapping[str, Any]]], classes: Sequence[str]) -> Config:
    found: Config = {"fingerprint": data_fingerprint(cases)}
    for part, items in cases.items():
        counts = Counter(int(item["label"]) for item in items)
        found[part] = {"cases": len(items), **{name: counts[number] for number, name in enumerate(classes)}}
        groups = {item["group"] for item in items if "group" in item}
        found[part] |= {"patients": len(groups)} if groups else {}
    return found


def _set(content: Any, keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        content = content[int(key)] if isinstance(content, list) else content.setdefault(key, {})
    content[int(keys[-1]) if isinstance(content, list) else keys[-1]] = value


def _referred(node: Any, config: Config) -> list[str]:
    """Return the ids at the top of ``config`` that ``node`` refers to, and what they refer to."""
    found: list[str] = []
    waiting = re.findall(r"[@%](\w+)", json.dumps(node))
    while waiting:
        name = waiting.pop()
        if name in config and name not in found:
            found.append(name)
            waiting += re.findall(r"[@%](\w+)", json.dumps(config[name]))
    return found


def _plain(config: Config) -> Config:
    """Return ``config`` as JSON can hold it; objects that were set from Python become null."""
    plain: Config = json.loads(json.dumps(config, default=lambda _: None))
    return plain


def _read(file: Path) -> Config:
    content: Config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return content


def _write_text(content: Config | str, path: Path) -> None:
    text = content if isinstance(content, str) else json.dumps(content, indent=4, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")

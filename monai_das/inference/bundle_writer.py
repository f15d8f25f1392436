"""At the end of a training, what lies in its output folder is a bundle: complete, and true to what was trained."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser

from monai_das._atomic import atomic_path
from monai_das.inference.bundle_model import bundle_contract
from monai_das.inference.trained_bundle import TrainedFacts, files_of_bundle, write_bundle
from monai_das.metrics import best_threshold, bootstrap_measures, estimate_figures
from monai_das.networks import DASNetwork


class DASBundleWriter:
    """Write ``model.pt``, and ``configs``, ``models`` and ``docs`` of a bundle into the folder of a training.

    The bundle states what the resolved config says, overrides on the command line included: classes, budget, plane,
    intensities, network. Its metrics are those of the last validation, with 95 % intervals over patients where the
    cases name their ``group``; of two classes, its decision threshold is the best on the same cases. ``monai-das
    predict``, ``evaluate`` and the Deploy app take the folder as it is. The metadata come last: a folder without them
    is no bundle.

    Args:
        bundle_root: the bundle that is trained; what the training does not change is taken from it.
        output_dir: the folder to complete.
        cases: the cases of each part, by name, with a ``label`` each.
        class_names: in the order of class numbers. None: those of the bundle, if its own data were trained on; else
            classes are called by their numbers.
        datalist: a file to take along, from which the cases come.
        fine_tuned: the training began with the weights of the bundle. So its version is raised, and its decision
            threshold stays: the cases of the last validation are held out to compare the two.

    Raises:
        ValueError: ``attach`` and ``write``: there is not one class name for each class.
    """

    def __init__(
        self,
        bundle_root: str,
        output_dir: str,
        cases: Mapping[str, Sequence[Mapping[str, Any]]],
        class_names: Sequence[str] | None = None,
        datalist: str | None = None,
        fine_tuned: bool = False,
    ) -> None:
        self.fine_tuned = fine_tuned
        self.root, self.output = Path(bundle_root), Path(output_dir)
        self.cases = cases
        self.class_names = None if class_names is None else tuple(class_names)
        self.datalist = None if datalist is None else Path(datalist)
        self.evaluator: Engine | None = None
        self.seen: list[tuple[Any, int, str | None]] = []

    def attach(self, evaluator: Engine, num_classes: int) -> None:
        """Keep the predictions of every validation of ``evaluator``; the last ones are measured."""
        if self.class_names is not None and len(self.class_names) != num_classes:
            raise ValueError(
                f"the cases have {len(self.class_names)} classes ({', '.join(self.class_names)}), the network is built "
                f"for {num_classes}; give --num_classes {len(self.class_names)}"
            )
        self.evaluator = evaluator
        evaluator.add_event_handler(Events.EPOCH_STARTED, self.seen.clear)
        evaluator.add_event_handler(Events.ITERATION_COMPLETED, self.keep)

    def keep(self, evaluator: Engine) -> None:
        """Keep the probabilities, label and group of each case of a batch, which is a list of cases by now."""
        items: Any = evaluator.state.batch
        outputs: Any = evaluator.state.output
        for item, output in zip(items, outputs, strict=True):
            label = torch.as_tensor(output["label"])
            number = int(label.argmax()) if label.numel() > 1 else int(label)
            group = item.get("group")
            self.seen.append((torch.as_tensor(output["pred"]).double().cpu().numpy(), number, group))

    def write(self, trainer: Engine, network: DASNetwork) -> None:
        """Write ``model.pt`` and the bundle of ``network`` after ``trainer`` has finished; call it from a config."""
        parser = calling_parser()
        with atomic_path(self.output / "model.pt") as part:
            torch.save(network.state_dict(), part)
        fresh = self.evaluator is not None and self.evaluator.state.epoch == trainer.state.epoch
        figures = self.figures() if fresh and self.seen else {}
        facts = TrainedFacts(
            network,
            self.class_names,
            figures,
            self.cases,
            trainer.state.epoch,
            self.datalist is not None,
            self.fine_tuned,
        )
        write_bundle(self.output, files_of_bundle(self.root, parser, facts), network, (self.root, self.datalist))

    def figures(self) -> dict[str, Any]:
        """Return the measures of the predictions that were kept, with intervals, as JSON can hold them.

        Balanced accuracy and accuracy are those at the ``threshold`` that is best for these very cases, or after
        fine-tuning at that of the bundle.
        """
        predictions, classes, groups = zip(*self.seen, strict=True)
        probabilities, labels = np.stack(predictions), np.array(classes, dtype=np.int64)
        numbers = None
        if all(groups) and len(set(groups)) > 1:
            order = {group: number for number, group in enumerate(sorted(set(groups)))}
            numbers = [order[group] for group in groups]
        fixed = self.fine_tuned
        threshold = bundle_contract(self.root).threshold if fixed else best_threshold(probabilities, labels)
        measures = bootstrap_measures(probabilities, labels, numbers, threshold=threshold)
        found: dict[str, Any] = {"part": "validation", "cases": len(labels), "threshold": threshold}
        if numbers is not None:
            found["patients"] = max(numbers) + 1
        for name, estimate in measures.items():
            found |= estimate_figures(name, estimate)
        return found


def calling_parser() -> ConfigParser:
    """Return MONAI's parser that evaluates the expression from which this is called.

    A config has no name for itself, and only the parser knows it with all overlays and overrides.

    Raises:
        RuntimeError: no parser calls.
    """
    frame = inspect.currentframe()
    while frame is not None:
        found = frame.f_locals.get("self")
        if isinstance(found, ConfigParser):
            return found
        frame = frame.f_back
    raise RuntimeError("no config is being evaluated; call DASBundleWriter.write from an expression of a config")

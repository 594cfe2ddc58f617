"""Trains a classifier for handwritten digits and says how good it is.

The data are the 1,797 images of 8 by 8 pixels that scikit-learn ships: the test part of "Optical Recognition of Handwritten
Digits" (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998).
"""
import os

# Before numpy is loaded: a job has the cores of its limit, not those of the machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import pathlib
import time

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, confusion_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--C", type=float, default=1.0, help="inverse strength of regularisation, > 0 (default: 1)")
    parser.add_argument("--folds", type=int, default=5, help="parts of the cross-validation, 2 to 10 (default: 5)")
    arguments = parser.parse_args()
    if not arguments.C > 0:
        parser.error(f"--C must be above 0, not {arguments.C}")
    if not 2 <= arguments.folds <= 10:
        parser.error(f"--folds must be 2 to 10, not {arguments.folds}")
    return arguments


def cross_validate(images, labels, regularisation, folds):
    """Trains once for each fold on the others. Returns the prediction for every image and the accuracy of each fold."""
    predicted = np.empty_like(labels)
    accuracies = []
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=0)
    for fold, (train, test) in enumerate(splitter.split(images, labels), start=1):
        began = time.monotonic()
        model = make_pipeline(StandardScaler(), LogisticRegression(C=regularisation, max_iter=2000))
        model.fit(images[train], labels[train])
        predicted[test] = model.predict(images[test])
        accuracies.append(float(accuracy_score(labels[test], predicted[test])))
        print(f"fold {fold}/{folds}: accuracy {accuracies[-1]:.4f} ({len(test)} images, {time.monotonic() - began:.1f} s)", flush=True)
    return predicted, accuracies


def draw_confusion(labels, predicted, title, path):
    figure, axes = plt.subplots(figsize=(6, 6))
    ConfusionMatrixDisplay(confusion_matrix(labels, predicted)).plot(ax=axes, cmap="Blues", colorbar=False)
    axes.set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    arguments = parse_arguments()
    artifacts = pathlib.Path(os.environ.get("SLIPWAY_ARTIFACTS", "artifacts"))
    artifacts.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    print(f"{len(digits.target)} images of {len(digits.target_names)} digits, C = {arguments.C:g}", flush=True)

    predicted, accuracies = cross_validate(digits.data, digits.target, arguments.C, arguments.folds)
    accuracy = float(accuracy_score(digits.target, predicted))
    draw_confusion(digits.target, predicted, f"C = {arguments.C:g}: accuracy {accuracy:.4f}", artifacts / "confusion_matrix.png")
    metrics = {"accuracy": accuracy, "fold_accuracies": accuracies, "images": len(digits.target), "C": arguments.C}
    (artifacts / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(f"accuracy {accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()

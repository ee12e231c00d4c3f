"""Check, inside the environment of datamodel-code-generator, that its models take the samples.

    python foreign_models.py MODELS.py < samples.json     prints one line per sample that no model takes

Each sample must fit at least one of its models, and come out of it with every field that went in.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any


def main() -> int:
    """Check the samples on stdin; return 1 if one of them is refused."""
    models = _load(sys.argv[1])
    refused = 0
    count = 0
    for sample in json.load(sys.stdin):
        count += 1
        reasons = [
            reason for name in sample["schemas"] if (reason := _refusal(models, name, sample["value"]))
        ]
        if len(reasons) == len(sample["schemas"]):
            refused += 1
            sys.stdout.write(f"{sample['place']}: {'; '.join(reasons)}\n")
    sys.stdout.write(f"{count - refused} of {count} samples fit the models\n")
    return 1 if refused or not count else 0


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("foreign_models_under_test", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _refusal(models: ModuleType, name: str, value: Any) -> str:
    """Return why a model does not take a value, or ""."""
    model = getattr(models, name, None)
    if model is None:
        return f"there is no model {name}"
    try:
        read = model.model_validate(value)
    except ValueError as error:
        return f"{name}: {' '.join(str(error).split())[:300]}"
    if isinstance(value, dict):
        lost = value.keys() - read.model_dump(by_alias=True).keys()
        if lost:
            return f"{name} loses {', '.join(sorted(lost))}"
    return ""


if __name__ == "__main__":
    sys.exit(main())

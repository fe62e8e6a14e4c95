"""`python -m deploy.check`: do the manifests render, and is every field one that Kubernetes knows?

The schemas are those of the PyPI package kubernetes-validate, so this needs neither a cluster nor a network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

import kubernetes_validate

from deploy.manifests import BrokenManifests, Manifest, load

VERSIONS = ("1.30", "1.37")
"""The oldest Kubernetes that has every field we use (the sleep of preStop), and the newest with schemas here."""


def main(arguments: list[str] | None = None) -> int:
    """Print one line for each fault; the exit code is 0 when there is none."""
    argparse.ArgumentParser(prog="python -m deploy.check", description=__doc__).parse_args(arguments)
    try:
        faults = list(complaints(load()))
    except BrokenManifests as error:
        faults = [str(error)]
    for fault in faults:
        sys.stderr.write(f"deploy/k8s: {fault}\n")
    return 1 if faults else 0


def complaints(manifests: Iterable[Manifest], versions: tuple[str, ...] = VERSIONS) -> Iterator[str]:
    """One sentence for each object that a Kubernetes version does not accept; unknown fields and kinds are faults."""
    for manifest in manifests:
        name = f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"
        for version in versions:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}, Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}"
            except kubernetes_validate.SchemaNotFoundError as error:
                yield f"{name}: {error.message}"


if __name__ == "__main__":
    sys.exit(main())

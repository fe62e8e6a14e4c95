"""What is written for people names settings that there are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from services.launch import settings_classes
from services.runtime.variables import OF_CALLERS, names

ROOT = Path(__file__).parents[2]
SETTING = re.compile(r"\bVISREC_[A-Z0-9_]*[A-Z0-9]\b")


def test_every_setting_that_a_document_names_exists() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    known = {*names(settings_classes()), *OF_CALLERS}
    unknown = {
        f"{document}: {name}"
        for document in listed.splitlines()
        for name in SETTING.findall((ROOT / document).read_text(encoding="utf-8"))
        if name not in known
    }
    assert listed
    assert not unknown

"""The JavaScript SDK, installed by npm where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "js"


def javascript_sdk() -> Path:
    """The folder with the SDK in it, or a visible skip."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed: the JavaScript SDK is not tested")
    if not (FOLDER / "node_modules").is_dir():
        done = subprocess.run(["npm", "install", "--silent"], cwd=FOLDER, capture_output=True, text=True, timeout=110)
        if done.returncode:
            pytest.skip(f"npm install failed, the JavaScript SDK is not tested: {done.stderr[-300:]}")
    return FOLDER

#!/usr/bin/env python3
"""Assembles all conformance cases and examples: seeds for the targets `run` and `load`.

    fuzz/seeds.py VIUAC OUTPUT_FOLDER
"""

import concurrent.futures
import hashlib
import pathlib
import subprocess
import sys
import tempfile


def assemble(viuac: str, source: pathlib.Path) -> bytes | None:
    """The stripped container, a library if it is no program; None if it is not a legal source."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "out")
        for kind in ([], ["--lib"]):
            command = [viuac, "build", "--strip", "--no-sa", "-q", *kind, "-o", str(output), source.name]
            done = subprocess.run(command, cwd=source.parent, capture_output=True, timeout=60)
            if done.returncode == 0:
                return output.read_bytes()
    return None


def main() -> None:
    viuac, folder = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(__file__).resolve().parent.parent
    sources = [path for part in ("tests/conformance", "examples") for path in (root / part).rglob("*.asm")]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for container in pool.map(lambda source: assemble(viuac, source), sources):
            if container is not None:
                (folder / hashlib.sha256(container).hexdigest()[:16]).write_bytes(container)
    print(f"{len(list(folder.iterdir()))} seeds from {len(sources)} sources")


if __name__ == "__main__":
    main()

"""Build the site: README, guides and reference of the repository, and the law as pages, into a folder that opens from disk.

``python docs/site/build.py OUT [--from DATE] [--generator PYTHON]``: PYTHON has Sphinx (default: this one). A warning of it fails the
build; an earlier site in OUT stays until the new one is whole.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TAKEN = ("README.md", "LICENSE", "docs", "deploy")
"""What the pages are, and what they link to, laid out as in the repository so that their links hold."""


def build(out: Path, start: str | None, generator: str) -> int:
    """Build into ``out``; the exit status of what failed, or 0."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        source, made = Path(folder, "source"), Path(folder, "site")
        source.mkdir()
        for name in TAKEN:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, source / name)
        (source / "docs" / "site" / "index.md").rename(source / "index.md")
        pages = [sys.executable, "-m", "dialguard", "rules", "pages", str(source / "law"), *(["--from", start] if start else [])]
        sphinx = [generator, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-c", str(ROOT / "docs" / "site")]
        for command in (pages, [*sphinx, "-d", str(Path(folder, "doctrees")), str(source), str(made)]):
            if status := subprocess.run(command, cwd=ROOT).returncode:
                return status
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    print(f"{sum(1 for _ in out.rglob('*.html'))} pages: {out / 'index.html'}")
    return 0


def main() -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Build the site of the documentation and the law.")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--from", dest="start", metavar="DATE", help="the day of the law (default: today)")
    parser.add_argument("--generator", default=sys.executable, metavar="PYTHON", help="a Python that has Sphinx")
    options = parser.parse_args()
    return build(options.out.resolve(), options.start, options.generator)


if __name__ == "__main__":
    sys.exit(main())

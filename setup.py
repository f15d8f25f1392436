"""A copy of ``bundle/`` travels in the wheel; everything else is said in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# what makes up the bundle, and not what training or inference left beside it
PARTS = ("LICENSE", "configs/*", "docs/*", "models/model.*")


class BuildPyWithBundle(build_py):
    """Copy the checkout's bundle to ``monai_das/_bundle`` of the build folder, but for an editable install."""

    def run(self):
        """Build the package, then copy the bundle."""
        super().run()
        for source, target in self.bundle_files():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target)

    def bundle_files(self):
        """Return source and target of every file of the bundle."""
        if self.editable_mode:
            return []
        sources = [path.as_posix() for part in PARTS for path in sorted(Path("bundle").glob(part)) if path.is_file()]
        folder = Path(self.build_lib, "monai_das", "_bundle")
        return [(source, str(folder / source.removeprefix("bundle/"))) for source in sources]

    def get_source_files(self):
        """Return what the sdist holds too."""
        return super().get_source_files() + [source for source, _ in self.bundle_files()]

    def get_outputs(self, include_bytecode=1):
        """Return all files that are built."""
        return super().get_outputs(include_bytecode) + [target for _, target in self.bundle_files()]


setup(cmdclass={"build_py": BuildPyWithBundle})

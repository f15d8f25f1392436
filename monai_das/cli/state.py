"""Where this installation keeps what it must remember between calls."""

import os
from pathlib import Path


def state_folder() -> Path:
    """Return ``monai-das`` in ``$XDG_STATE_HOME``, by default ``~/.local/state``; it may not exist yet."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "monai-das"

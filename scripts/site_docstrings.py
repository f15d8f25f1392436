"""Extension of griffe: what our docstrings write as doctests and Sphinx roles is read as what it is."""

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|meth|mod):`~?([^`]+)`")


class DoctestsAndRoles(griffe.Extension):
    """Make ``Example:`` the section that griffe knows, and a role the code that it names."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of ``obj``."""
        if obj.docstring is not None:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            obj.docstring.value = ROLE.sub(r"`\1`", text)

"""Whether the page of a checkout is as new as its sources."""

import runpy
from pathlib import Path
from typing import Final

import api

MEND: Final = "make page (without make: python hatch_build.py), then start again"

_CHECKOUT: Final = Path(api.__file__).parents[1]


def page_is_old(root: Path = _CHECKOUT) -> bool:
    """Whether the page was built of other sources than those that lie beside it; an installed one never is.

    Where there is no page at all, the api says so itself.
    """
    recipe = root / "hatch_build.py"
    built = (root / "api" / "static" / "index.html").is_file()
    if not (built and recipe.is_file() and (root / "web" / "package.json").is_file()):
        return False
    try:
        return not runpy.run_path(str(recipe))["is_current"](root)
    except OSError:  # A source that is being written right now is no reason to say anything.
        return False

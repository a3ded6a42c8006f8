"""Run the README's first example with the package that is installed."""

import re
from pathlib import Path

import skreg

here = Path(__file__).resolve().parents[1]
assert not Path(skreg.__file__).is_relative_to(here / "skreg"), skreg.__file__
code = re.search(r"```python\n(.*?)```", (here / "README.md").read_text(), re.S)[1]
exec(code)

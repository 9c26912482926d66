import sys
from pathlib import Path

# The examples are scripts: when one runs, its folder is on the path.
sys.path.append(str(Path(__file__).parents[2] / "examples"))

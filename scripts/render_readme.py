"""Draws what ``hauberk analyze`` prints about the sample as the picture of the README.

``python scripts/render_readme.py [CAPTURE]`` runs the real command where the name of the capture is short: in the folder of the
source, or that of a capture outside it. So the picture holds no path of the machine. The same output gives the same bytes.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = "samples/site.pcapng"
_WIDTH = 132
_LINES = 60
"""Lines shown: the picture is to be taken in at a glance."""
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich asks a server for its font; a page must not call home, and every system has a font of fixed width."""


def picture(capture: str) -> str:
    """The terminal with the command and its output, as SVG."""
    path = (ROOT / capture).resolve()
    folder = ROOT if path.is_relative_to(ROOT) else path.parent
    command = ["analyze", str(path.relative_to(folder)), "--learn", "50%"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLORTERM": "truecolor", "COLUMNS": str(_WIDTH)}
    program = Path(sys.executable).with_name("hauberk")
    done = subprocess.run(
        [program, *command, "--format", "text"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr)
    console = Console(record=True, width=_WIDTH, file=io.StringIO())
    console.print(Text(f"$ hauberk {' '.join(command)}"))
    console.print(Text.from_ansi(beginning(done.stdout)))
    drawn = console.export_svg(title="hauberk analyze", theme=MONOKAI, unique_id="hauberk")
    return "\n".join(line.rstrip() for line in _FONT.sub("", drawn).splitlines()) + "\n"


def beginning(output: str) -> str:
    """The first lines of the output, cut below a whole frame; how many follow is said."""
    lines = output.rstrip().splitlines()
    ends = [number for number, line in enumerate(lines[:_LINES], 1) if "╰" in line or "┗" in line]
    if len(lines) <= _LINES or not ends:
        return output
    return "\n".join([*lines[: ends[-1]], f"… {len(lines) - ends[-1]} more lines"])


def main(arguments: Sequence[str]) -> int:
    """Write the picture."""
    target = ROOT / "docs" / "images" / "analyze.svg"
    target.parent.mkdir(parents=True, exist_ok=True)
    drawn = picture(arguments[0] if arguments else SAMPLE)
    target.write_text(drawn, "utf-8")
    print(f"wrote {target.relative_to(ROOT)}, {len(drawn):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

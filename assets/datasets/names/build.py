"""Names of people as they are written, each part tagged: probablepeople's training data with other names in the same shapes."""
import json
import re
import xml.etree.ElementTree as xml
from pathlib import Path

from common import choose, clean, one, order, unique

ABOUT = {
    "name": {"en": "Names and their parts", "zh-Hans": "人名及其组成"},
    "about": {"en": "Made-up names of people as forms hold them, each word tagged with the part it is",
              "zh-Hans": "表格中常见写法的虚构英文人名，逐词标注所属部分"},
    "task": "tagging",
    "roles": {"tokens": "tokens", "tags": "tags"},
    "licence": "MIT",
    "hub_licence": "mit",
    "languages": ["en"],
    "hub_tasks": ["token-classification"],
}
MOST = 1_000
LISTS = Path(__file__).resolve().parents[2] / "synonyms" / "names.json"

CARD = """
## Where it is from

The shapes are those of `name_data/labeled/person_labeled.xml` of the Python package `probablepeople` 0.5.6 (The Atlanta
Journal Constitution and DataMade, `LICENSE`: MIT). The names are not: **every given name, surname, nickname and initial
was replaced by another**, chosen by hash from a list of common given names (`assets/synonyms/names.json`) and from
surnames put together of syllables. Whoever is named here is nobody.

## How it was built

A thousand of the source's rows of two words or more, chosen by hash. Capitals, dots, commas, hyphens, brackets and
particles (*de*, *van*, *Mc*) stay as they were; titles, *and* and generations (*Jr.*) are the source's. Neighbours of one
label became one span: `B-` on its first word, `I-` on the rest. Left out: rows that are no longer different once the names
are.

## Known flaws

- Names follow North American habits. As the replacements are drawn at large, a given name tells nothing of the surname
  beside it, and names are less varied in origin than the source's.
- *LastInitial* and *FirstInitial* are rare; some labels of the source are wrong.
"""
BEGINNINGS = """Al Ar Bar Bel Ber Bran Bren Cal Car Chan Col Dar Del Dor Dun El Fair Fen Gar Gil Gran Hal Har Hol Kel Ken Kir
Lan Lar Mal Mar Mel Mor Nar Nor Ol Or Pel Per Quin Ran Ros Ry San Sel Shel Sor Tal Tar Tor Tren Val Var Wal Wes Wil Yar Zan""".split()
ENDINGS = """bourne bury by combe dale dane den dine dorf ello endi er field ford gard ham hurst ich ini is ka kin land ley
lin lo low man mere mond nell nen ner osa ova over quist ridge rin ro sen ska ski son stad stein stone tani ter ton tova
vale ver vic ward well wick win wood worth yama ydez yev""".split()
SHORT = "Bo Ek Fa Hu Jo Ko La Li Lo Ma Mo Ng Oh Po Qi Ro Su Ta Vo Wu Xu Ye Yo Zu".split()
PARTICLES = {"de", "la", "le", "van", "von", "der", "den", "del", "della", "di", "da", "dos", "du", "st", "mac", "mc", "bin", "al", "el",
             "ben", "ter", "y", "e", "jr", "sr"}
NAMED = {"GivenName", "Surname", "MiddleName", "Nickname", "FirstInitial", "MiddleInitial", "LastInitial"}


def pick(options, seed):
    return options[int.from_bytes(order(seed, "names")[:8], "big") % len(options)]


def other(word, label, given, seed):
    """Another name in the case of this one."""
    if len(word) == 1:
        new = pick("ABCDEFGHJKLMNPRSTW", seed)
    elif word.lower() in PARTICLES:
        return word
    elif len(word) == 2:
        new = pick(SHORT, seed)
    elif label in ("Surname", "LastInitial") or label == "MiddleName" and pick([True, False], seed + "m"):
        new = pick(BEGINNINGS, seed + "b") + pick(ENDINGS, seed + "e")
    else:
        new = pick(given, seed)
    return new.upper() if word.isupper() and len(word) > 1 else new.lower() if word.islower() else new


def rows(cache):
    lists = json.loads(LISTS.read_text(encoding="utf-8"))["en"]["names"]
    given = [name for kind in ("male", "female", "neutral") for name in lists[kind]]
    made = []
    for at, person in enumerate(xml.parse(one(cache("probablepeople"), "person_labeled.xml")).getroot()):
        tokens, tags, last = [], [], None
        for part in person:
            for token in clean(part.text or "").split():
                if part.tag in NAMED:
                    seed = f"{at} {len(tokens)}"
                    token = re.sub(r"[^\W\d_]+", lambda word: other(word.group(), part.tag, given, f"{seed} {word.start()}"), token)
                tags.append(f"{'I' if part.tag == last else 'B'}-{part.tag}")
                tokens.append(token)
                last = part.tag
        if len(tokens) >= 2:
            made.append({"tokens": tokens, "tags": tags})
    made = unique(made, lambda row: " ".join(row["tokens"]).lower())
    return choose(made, MOST, lambda row: " ".join(row["tokens"]))


def licences(cache):
    return {"LICENSE": one(cache("probablepeople"), "probablepeople-0.5.6/LICENSE").read_text(encoding="utf-8")}

"""Definitions with the kind of thing they define: glosses of WordNet's nouns and the lexicographers' class of each."""
from common import choose, is_decent, one, unique
from wordnet import CLASSES, marked, senses

ABOUT = {
    "name": {"en": "Definitions by topic", "zh-Hans": "按主题分类的释义"},
    "about": {"en": "Dictionary definitions to be sorted into eight kinds of things",
              "zh-Hans": "英文词典释义，分为八类事物"},
    "task": "classification",
    "roles": {"text": "text", "label": "label"},
    "licence": "LicenseRef-WordNet-3.0",
    "languages": ["en"],
    "hub_tasks": ["text-classification"],
}
LABELS = ["animal", "artifact", "body", "food", "person", "place", "plant", "substance"]
EACH = 640

CARD = """
## Where it is from

The glosses of WordNet 3.0 (Debian package `wordnet-base`, Princeton University). The label is the class that the
lexicographers gave the word: `animal`, `artifact`, `body`, `food`, `person`, `place`, `plant`, `substance`.

## How it was built

From each class 640 glosses of four to thirty words, chosen by hash, mixed; examples in quotes are cut. Named things and
people are left out, but for named places. Left out too: words that WordNet marks as slang, obscene or disparaging, and
glosses that speak of sex or use a slur.

## Known flaws

- Some classes give themselves away (*a person who …*, *shrub of …*): a bag of words gets far.
- A few glosses fit two classes (is a herb a plant or a food?); the label is the lexicographer's.
- The glosses were written before 2006 and see the world from North America. Of places most are in the United States or
  Europe; a few words for trades and peoples are dated.
"""


def rows(cache):
    found = senses(cache("wordnet"), "nvar")
    bad = marked(found)
    by_label = {label: [] for label in LABELS}
    for sense in found:
        label = CLASSES.get(sense.kind) if sense.pos == "n" else None
        if label not in by_label or {word.lower() for word in sense.words} & bad or not is_decent(sense.gloss):
            continue
        named = any(kind == "@i" for kind, _, _ in sense.relations)
        if (named and label != "place") or not 4 <= len(sense.gloss.split()) <= 30:
            continue
        by_label[label].append({"text": sense.gloss, "label": label})
    per_text = {}
    for label in LABELS:
        for row in by_label[label]:
            per_text.setdefault(row["text"], set()).add(label)
    chosen = []
    for label in LABELS:
        clear = unique([row for row in by_label[label] if len(per_text[row["text"]]) == 1])
        chosen += choose(clear, EACH, lambda row: row["text"])
    return choose(chosen, len(chosen), lambda row: row["text"], "mixed")


def licences(cache):
    return {"LICENSE": one(cache("wordnet"), "copyright").read_text(encoding="utf-8")}

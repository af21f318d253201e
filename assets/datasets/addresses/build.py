"""Addresses of the United States with the part that each word is: usaddress's training data as BIO tags."""
import re
import xml.etree.ElementTree as xml

from common import clean, one, unique

ABOUT = {
    "name": {"en": "Addresses", "zh-Hans": "美国地址"},
    "about": {"en": "Postal addresses of the United States, each word tagged with the part it belongs to",
              "zh-Hans": "美国邮政地址，逐词标注所属部分"},
    "task": "tagging",
    "roles": {"tokens": "tokens", "tags": "tags"},
    "licence": "MIT",
    "hub_licence": "mit",
    "languages": ["en"],
    "hub_tasks": ["token-classification"],
}

CARD = """
## Where it is from

`training/labeled.xml` of the Python package `usaddress` 0.5.16 (The Atlanta Journal Constitution and DataMade, `LICENSE`:
MIT): addresses of offices, shops and public bodies, labelled by hand.

## How it was built

Words are cut at blanks, as the source does, so that a comma stays with its word. Neighbours of one label became one
span: `B-` on its first word, `I-` on the rest; what is no part of an address is `O`. Left out: addresses whose recipient
is or may be a person, those with remains of Python or control characters, those that came twice, and those of a single word.

## Known flaws

- United States only, and many from Chicago, Atlanta and Iowa.
- Two neighbouring spans of one label look like one: the source does not say where the second begins.
- Some labels are wrong or uneven (*300* in *300 east randolph st* is a street name once); they are the source's.
- Upper and lower case as found; some are in capitals or small letters throughout.
"""
# Recipients that are surely no person; what else has a recipient is left out.
ORGANISATION = re.compile(
    r"(office of general counsel|united management|national corporate research|air systems performance|hrcc|"
    r"reception and medical|us legal support|mellon bank)", re.IGNORECASE)


def rows(cache):
    made = []
    for address in xml.parse(one(cache("usaddress"), "labeled.xml")).getroot():
        tokens, tags, last = [], [], None
        for part in address:
            for token in clean(part.text or "").split():
                label = None if part.tag == "NotAddress" else part.tag
                tags.append("O" if label is None else f"{'I' if label == last else 'B'}-{label}")
                tokens.append(token)
                last = label
        who = " ".join(token for token, tag in zip(tokens, tags) if tag.endswith("-Recipient"))
        whole = " ".join(tokens)
        is_broken = re.search(r"\bb[\"']|\\x|\\n", whole) or len(tokens) < 2
        if is_broken or who and not ORGANISATION.match(who):
            continue
        made.append({"tokens": tokens, "tags": tags})
    return unique(made, lambda row: " ".join(row["tokens"]).lower())


def licences(cache):
    return {"LICENSE": one(cache("usaddress"), "usaddress-0.5.16/LICENSE").read_text(encoding="utf-8")}

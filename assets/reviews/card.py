"""What the card and the index of the datasets say of reviews.csv, which build.py beside it makes."""
import csv

ABOUT = {
    "file": "reviews.csv",
    "name": {"en": "Film reviews", "zh-Hans": "电影评论"},
    "about": {"en": "Sentences of film reviews that readers found good or bad",
              "zh-Hans": "电影评论句子，按读者感受分为好与坏"},
    "task": "classification",
    "roles": {"text": "text", "label": "label"},
    "licence": "MIT",
    "hub_licence": "mit",
    "languages": ["en"],
    "hub_tasks": ["text-classification"],
}

CARD = """
## Where it is from

`movieReviewSnippets_GroundTruth.txt` of the Python package `vaderSentiment` 3.3.2: C.J. Hutto and Eric Gilbert, *VADER: A
Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text*, ICWSM 2014 (`LICENSE`: MIT). Bo Pang and
Lillian Lee took the sentences from reviews on rottentomatoes.com: they quote film critics, whose words they remain
(`NOTICE`).

## How it was built

Twenty readers rated each sentence from −4 to 4. Above 0 the label is `good`, below it `bad`; what lies within half a point
of 0 is left out, and each sentence is in once.

## Known flaws

- The rating is of the sentence, read alone; the review it is from may say otherwise.
- Critics' English of the years around 2000; irony is often rated by its words.
- Some sentences speak roughly of films, actors and viewers.
"""


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    row = rows[3]
    return len(rows), f'{{"text": "{row["text"]}", "label": "{row["label"]}"}}'

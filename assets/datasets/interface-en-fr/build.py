"""Sentences of a program's window in English and French."""
from interface import about, card, licences_of, rows_of

ABOUT = about("fr", "Interface strings, English to French", "界面文字，英译法", "French", "法文")
CARD = card("fr-FR", "French")
EXAMPLE = 7


def rows(cache):
    return rows_of(cache("interface-fr"), "fr")


def licences(cache):
    return licences_of(cache("interface-fr"))

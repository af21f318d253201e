"""Sentences of a program's window in English and Chinese."""
from interface import about, card, licences_of, rows_of

ABOUT = about("zh", "Interface strings, English to Chinese", "界面文字，英译中", "Chinese", "中文")
CARD = card("zh-CN", "Chinese (Simplified)")
EXAMPLE = 7


def rows(cache):
    return rows_of(cache("interface-zh"), "zh")


def licences(cache):
    return licences_of(cache("interface-zh"))

#!/usr/bin/env python3
"""Writes names.json: given names and pairs of gendered words for counterfactual swaps. The lists are our own.

`names` are given names by the gender they are mostly given to. `pairs` are [male, female]; a word that stands in several
pairs has its likeliest partner first: "her" is "his" before a noun and "him" elsewhere. `neutral` says what a pair can be
made into. Chinese names are given names alone, without the family name; 他们 and 她们 and the like are listed as words.
"""
import json
from pathlib import Path

EN_MALE = """Aaron Adam Alan Albert Andrew Anthony Arthur Benjamin Brian Carl Charles Christopher Daniel David Dennis Donald
Douglas Edward Eric Ethan Francis Frank Frederick Gary George Gerald Gregory Harold Henry Howard Isaac Jack Jacob James
Jason Jeremy John Joseph Joshua Keith Kenneth Kevin Larry Lawrence Liam Louis Lucas Mark Martin Matthew Michael Nathan
Nicholas Noah Oliver Oscar Patrick Paul Peter Philip Ralph Raymond Richard Robert Roger Ronald Samuel Scott Sean Simon
Stephen Steven Thomas Timothy Victor Vincent Walter William""".split()
EN_FEMALE = """Abigail Alice Amanda Amy Andrea Angela Anna Barbara Beatrice Betty Brenda Caroline Catherine Charlotte
Christine Clara Cynthia Deborah Diana Donna Dorothy Edith Eleanor Elizabeth Emily Emma Esther Eva Florence Frances Grace
Hannah Harriet Heather Helen Irene Isabella Jane Janet Jennifer Jessica Joan Joyce Judith Julia Karen Katherine Laura
Linda Lisa Louise Lucy Margaret Maria Martha Mary Megan Melissa Michelle Nancy Natalie Nicole Olivia Pamela Patricia
Rachel Rebecca Rose Ruth Samantha Sandra Sarah Sharon Sophia Stella Susan Teresa Victoria Virginia""".split()
EN_NEUTRAL = """Alex Ariel Avery Blake Cameron Casey Charlie Dakota Devon Drew Emerson Finley Frankie Harper Hayden Jamie
Jesse Jordan Jules Kai Kendall Lee Logan Morgan Parker Pat Peyton Quinn Reese Riley Robin Rowan Sage Sam Sawyer Skyler
Sydney Taylor""".split()
# male, female, neutral
EN_PAIRS = """he she they|his her their|him her them|his hers theirs|himself herself themselves|man woman person|
men women people|boy girl child|boys girls children|father mother parent|fathers mothers parents|dad mom parent|
dads moms parents|daddy mommy parent|papa mama parent|son daughter child|sons daughters children|
brother sister sibling|brothers sisters siblings|husband wife spouse|husbands wives spouses|boyfriend girlfriend partner|
boyfriends girlfriends partners|uncle aunt relative|uncles aunts relatives|nephew niece relative|nephews nieces relatives|
grandfather grandmother grandparent|grandfathers grandmothers grandparents|grandpa grandma grandparent|
grandson granddaughter grandchild|grandsons granddaughters grandchildren|stepfather stepmother stepparent|
stepson stepdaughter stepchild|stepbrother stepsister stepsibling|godfather godmother godparent|
godson goddaughter godchild|groom bride newlywed|bridegroom bride newlywed|widower widow|widowers widows|
bachelor bachelorette|gentleman lady person|gentlemen ladies people|lad lass youth|lads lasses youths|guy gal person|
guys gals people|male female|males females|masculine feminine|manhood womanhood adulthood|boyhood girlhood childhood|
fatherhood motherhood parenthood|brotherhood sisterhood siblinghood|fatherly motherly parental|
paternal maternal parental|paternity maternity parenthood|fraternity sorority|sir madam|mr ms mx|mr mrs mx|mister miss|
king queen monarch|kings queens monarchs|prince princess royal|princes princesses royals|duke duchess noble|
dukes duchesses nobles|baron baroness noble|count countess noble|emperor empress monarch|lord lady noble|
lords ladies nobles|god goddess deity|gods goddesses deities|hero heroine hero|heroes heroines heroes|
actor actress performer|actors actresses performers|waiter waitress server|waiters waitresses servers|
steward stewardess attendant|stewards stewardesses attendants|host hostess host|hosts hostesses hosts|
heir heiress heir|landlord landlady owner|landlords landladies owners|master mistress|wizard witch mage|
wizards witches mages|monk nun religious|monks nuns religious|abbot abbess|priest priestess priest|
policeman policewoman officer|policemen policewomen officers|fireman firewoman firefighter|
firemen firewomen firefighters|businessman businesswoman businessperson|businessmen businesswomen businesspeople|
chairman chairwoman chair|chairmen chairwomen chairs|congressman congresswoman representative|
salesman saleswoman salesperson|salesmen saleswomen salespeople|spokesman spokeswoman spokesperson|
spokesmen spokeswomen spokespeople|sportsman sportswoman athlete|sportsmen sportswomen athletes|
cameraman camerawoman camera operator|craftsman craftswoman artisan|cowboy cowgirl|cowboys cowgirls|
schoolboy schoolgirl pupil|schoolboys schoolgirls pupils|headmaster headmistress head|
sculptor sculptress sculptor|author authoress author|poet poetess poet|
conductor conductress conductor|councilman councilwoman councillor|countryman countrywoman compatriot|
countrymen countrywomen compatriots|nobleman noblewoman noble|noblemen noblewomen nobles|
workman workwoman worker|workmen workwomen workers|bull cow|rooster hen|stallion mare|ram ewe|drake duck|lion lioness|
tiger tigress"""
ZH_MALE = "伟 强 磊 军 勇 杰 涛 明 超 刚 平 辉 鹏 浩 宇 建国 建华 志强 志明 国强 海涛 文博 浩然 子轩 俊杰 伟明 大伟 永强 家豪 宏伟".split()
ZH_FEMALE = "芳 娜 敏 静 丽 艳 娟 霞 秀英 玉兰 桂英 丽娟 雪梅 美玲 小红 婷婷 佳怡 雨欣 欣怡 诗涵 梦琪 思琪 晓梅 春花 淑芬 慧敏 莉莉 雅静 晓燕 倩倩".split()
ZH_NEUTRAL = "文 宁 晨 安 华 林 云 小雨 晓阳 子墨 一诺 乐 新 希 思远 若水 天一 平安".split()
ZH_PAIRS = """他 她|他们 她们|他的 她的|他们的 她们的|他自己 她自己|男人 女人 人|男士 女士 人士|先生 女士|先生 小姐|先生 太太|
男孩 女孩 孩子|男孩子 女孩子 孩子|男生 女生 学生|小伙子 小姑娘 年轻人|小伙子 姑娘 年轻人|男性 女性|男子 女子 人|男的 女的|
父亲 母亲 家长|爸爸 妈妈 家长|老爸 老妈|爸 妈|爹 娘|儿子 女儿 孩子|哥哥 姐姐|弟弟 妹妹|兄弟 姐妹|兄弟们 姐妹们|兄长 长姐|
丈夫 妻子 伴侣|老公 老婆 爱人|男朋友 女朋友 对象|男友 女友 对象|未婚夫 未婚妻|新郎 新娘 新人|岳父 岳母|公公 婆婆|祖父 祖母|
爷爷 奶奶|外公 外婆|姥爷 姥姥|外祖父 外祖母|孙子 孙女|外孙 外孙女|伯伯 伯母|叔叔 阿姨|叔叔 婶婶|舅舅 舅妈|姑父 姑姑|姨父 姨妈|
侄子 侄女|外甥 外甥女|女婿 儿媳|继父 继母|养父 养母|教父 教母|鳏夫 寡妇|国王 女王 君主|国王 王后|皇帝 女皇|皇帝 皇后|王子 公主|
男爵 女爵|公爵 女公爵|男神 女神|男主角 女主角 主角|男演员 女演员 演员|男教师 女教师 教师|男老师 女老师 老师|男医生 女医生 医生|
男护士 女护士 护士|男警察 女警察 警察|男司机 女司机 司机|男学生 女学生 学生|男同学 女同学 同学|男青年 女青年 青年|
男工人 女工人 工人|男作家 女作家 作家|男歌手 女歌手 歌手|男记者 女记者 记者|男律师 女律师 律师|男员工 女员工 员工|
男士们 女士们|先生们 女士们|和尚 尼姑|少爷 小姐|老爷爷 老奶奶 老人|老头 老太太 老人|大叔 大妈|大爷 大娘|公鸡 母鸡|公牛 母牛|
公猫 母猫|公狗 母狗|雄性 雌性"""


def pairs(text, blank=" "):
    made = []
    for line in text.replace("\n", "").split("|"):
        parts = line.strip().split(blank, 2)
        made.append({"male": parts[0], "female": parts[1], **({"neutral": parts[2]} if len(parts) > 2 else {})})
    return made


def language(male, female, neutral, words):
    assert not set(male) & set(female) and not (set(male) | set(female)) & set(neutral)
    made = pairs(words)
    assert len({(one["male"], one["female"]) for one in made}) == len(made)
    return {"names": {"male": male, "female": female, "neutral": neutral}, "pairs": made}


def text():
    tables = {"en": language(EN_MALE, EN_FEMALE, EN_NEUTRAL, EN_PAIRS),
              "zh": language(ZH_MALE, ZH_FEMALE, ZH_NEUTRAL, ZH_PAIRS)}
    lines = ["{"]
    for at, (tag, table) in enumerate(tables.items()):
        lines += [f'  "{tag}": {{', '    "names": {']
        for kind, names in table["names"].items():
            lines.append(f'      "{kind}": {json.dumps(names, ensure_ascii=False)}{"," if kind != "neutral" else ""}')
        lines += ["    },", '    "pairs": [']
        rows = [f"      {json.dumps(one, ensure_ascii=False)}" for one in table["pairs"]]
        lines += [",\n".join(rows), "    ]", "  }," if at == 0 else "  }"]
    return "\n".join(lines + ["}"]) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "names.json").write_text(text(), encoding="utf-8", newline="\n")

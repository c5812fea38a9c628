"""Which language a text is in, by its scripts and by characters that only one of the two Chinese standards has."""

import re

# Runs, not characters: a tenth of the matches.
_KANA = re.compile("[\u3041-\u30fa\u30fc-\u30ff\uff66-\uff9d]+")
_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff]+")
_KANA_OR_HANGUL = re.compile("[\u3041-\u30fa\u30fc-\u30ff\uff66-\uff9d\uac00-\ud7a3\u1100-\u11ff]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")
_CYRILLIC = re.compile("[\u0400-\u04ff]+")
_ARABIC = re.compile("[\u0600-\u06ff]+")
_SIMPLIFIED = frozenset(
    "这个们来时会国说对发为开关东车马长门问间闻见现规觉观让认识词话语请读谁调谈论设证评诉试该详误许访议讲记计订讨训"
    "军农写决况净几凤击划则刚创别剧劝办务动励劳势区医华协单卖卢卫却厂历压厅变号启员响团园围图圆圣场坏块坚报声处备"
    "头夺奋妇学宁实宝审宪宽宾尔尝层属岁岛币师带帮应库庆废张强归录径总惊惯态恶户执扩扫扬护拥择担据换损摆无旧显"
    "术机杀权条极构枪标树样档桥检汉汤沟没沪济测浓减游湾满灭灯灵灾点热爱独环电画确离种积称竞笔类紧红约级纪纯纲纳纵纷纸组"
    "细织终绍经结绕给络绝统继续维综绿缓编缘网罗联职肃脑节范药获虑虽补装视览觉触订轮软转轻载辑输达迁过运还进远违连迟适选"
    "递邮邻郑释钟钱铁银错键镇闭闪闹阅队阳阴阵阶际陆陈险随隐难雾静页项顺须顾顿预领频题颜风飞饭馆驻验鱼鲁鸟黄齐龙"
)
_TRADITIONAL = frozenset(
    "這個們來時會國說對發為開關東車馬長門問間聞見現規覺觀讓認識詞話語請讀誰調談論設證評訴試該詳誤許訪議講記計訂討訓"
    "軍農寫決況淨幾鳳擊劃則剛創別劇勸辦務動勵勞勢區醫華協單賣盧衛卻廠歷壓廳變號啟員響團園圍圖圓聖場壞塊堅報聲處備"
    "頭奪奮婦學寧實寶審憲寬賓爾嘗層屬歲島幣師帶幫應庫慶廢張強歸錄徑總驚慣態惡戶執擴掃揚護擁擇擔據換損擺無舊顯"
    "術機殺權條極構槍標樹樣檔橋檢漢湯溝沒滬濟測濃減遊灣滿滅燈靈災點熱愛獨環電畫確離種積稱競筆類緊紅約級紀純綱納縱紛紙組"
    "細織終紹經結繞給絡絕統繼續維綜綠緩編緣網羅聯職肅腦節範藥獲慮雖補裝視覽覺觸輪軟轉輕載輯輸達遷過運還進遠違連遲適選"
    "遞郵鄰鄭釋鐘錢鐵銀錯鍵鎮閉閃鬧閱隊陽陰陣階際陸陳險隨隱難霧靜頁項順須顧頓預領頻題顏風飛飯館駐驗魚魯鳥黃齊龍"
)
_BOTH = _SIMPLIFIED & _TRADITIONAL
_ONLY_SIMPLIFIED = re.compile("[" + "".join(sorted(_SIMPLIFIED - _BOTH)) + "]")
_ONLY_TRADITIONAL = re.compile("[" + "".join(sorted(_TRADITIONAL - _BOTH)) + "]")
_SAMPLE = 1_000
_HAN_WEIGHT = 3
"""A Chinese character says about as much as three letters, so that names in Latin script don't decide."""


def detect_language(text: str, hint: str = "") -> str:
    """BCP 47 tag of a text: zh-Hans, zh-Hant, ja, ko, en, ru, ar; `hint`, the outlet's, where the text can't tell.

    Reads the first 1,000 characters. Latin script is the hint's language when that is written in it, else en.
    """
    sample = text[:_SAMPLE]
    foreign = _KANA_OR_HANGUL.search(sample) is not None
    first = None if foreign else _HAN.search(sample)
    latin = _count(_LATIN, sample)
    if first and len(first[0]) * _HAN_WEIGHT >= latin:  # nearly all of Chinese: no need to count the rest
        return _chinese(sample, hint)
    han = _count(_HAN, sample) * _HAN_WEIGHT
    if not han and not latin:
        return _other(sample, hint)
    if foreign:
        kana = _count(_KANA, sample)
        if kana * 20 > han and kana * 4 > latin:
            return "ja"
        if _count(_HANGUL, sample) * 2 > han + latin / 2:
            return "ko"
    if han >= latin and han:
        return _chinese(sample, hint)
    return _other(sample, hint) or "en"


def _count(script: re.Pattern[str], sample: str) -> int:
    """Characters of the script."""
    return sum(map(len, script.findall(sample)))


def _chinese(sample: str, hint: str) -> str:
    simplified = int(_ONLY_SIMPLIFIED.search(sample) is not None)
    traditional = int(_ONLY_TRADITIONAL.search(sample) is not None)
    if simplified and traditional:  # counted for the few that mix them: that takes five times as long
        simplified, traditional = len(_ONLY_SIMPLIFIED.findall(sample)), len(_ONLY_TRADITIONAL.findall(sample))
    if simplified == traditional:
        return hint if hint.startswith(("zh", "ja")) else "zh"
    return "zh-Hans" if simplified > traditional else "zh-Hant"


def _other(sample: str, hint: str) -> str:
    for tag, script in (("ja", _KANA), ("ko", _HANGUL), ("ru", _CYRILLIC), ("ar", _ARABIC)):
        found = _count(script, sample)
        if found and found > _count(_LATIN, sample):
            return tag
    if _LATIN.search(sample) and hint.startswith(("zh", "ja", "ko", "ru", "ar")):
        return "en"
    return hint

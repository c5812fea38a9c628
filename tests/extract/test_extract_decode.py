"""Bytes of a page -> text, in the order BOM, header, strict UTF-8, meta, gb18030."""

import pytest

from baoguan.extract.decode import decode_page

CHINESE = "<html><body>中国新闻报道，这是一个句子。</body></html>"
JAPANESE = "<html><body>東京でニュースを読む、これは文です。</body></html>"


def test_utf8_wins_over_a_stale_meta() -> None:
    page = '<meta charset="gbk">' + CHINESE
    assert decode_page(page.encode()) == (page, "utf-8")


def test_bom_wins_over_header() -> None:
    assert decode_page(b"\xef\xbb\xbf" + CHINESE.encode(), "text/html; charset=gbk")[0] == CHINESE
    assert decode_page(b"\xff\xfe" + CHINESE.encode("utf-16-le"))[0] == CHINESE


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("gb2312", "gb18030", CHINESE),
        ("GBK", "gb18030", CHINESE),
        (
            "big5",
            "big5",
            CHINESE.replace("国", "國").replace("新闻报道", "新聞").replace("这", "這").replace("个", "個"),
        ),
        ("Shift_JIS", "cp932", JAPANESE),
        ("x-sjis", "cp932", JAPANESE),
        ("euc-jp", "euc_jp", JAPANESE),
        ("euc-kr", "euc_kr", "<p>서울의 뉴스입니다</p>"),
    ],
)
def test_declared_encodings(label: str, codec: str, text: str) -> None:
    by_meta = f'<meta http-equiv="Content-Type" content="text/html; charset={label}">' + text
    assert decode_page(by_meta.encode(codec))[0] == by_meta
    assert decode_page(text.encode(codec), f"text/html; charset={label}")[0] == text


def test_latin_header_by_default_does_not_break_utf8() -> None:
    assert decode_page(CHINESE.encode(), "text/html; charset=ISO-8859-1")[0] == CHINESE


def test_undeclared_chinese_is_read_as_gb18030() -> None:
    assert decode_page(CHINESE.encode("gb18030"))[0] == CHINESE


def test_one_broken_byte_keeps_utf8() -> None:
    body = (CHINESE * 50).encode()
    assert decode_page(body[:300] + b"\xff" + body[300:])[1] == "utf-8"

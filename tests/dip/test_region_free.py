"""Nothing about any region stands in code: only data folders know one."""

import re

import pytest

from tests.architecture.trees import ROOT

PROVINCES = {
    "北京": "beijing",
    "天津": "tianjin",
    "河北": "hebei",
    "山西": "shanxi",
    "内蒙古": "neimenggu",
    "辽宁": "liaoning",
    "吉林": "jilin",
    "黑龙江": "heilongjiang",
    "上海": "shanghai",
    "江苏": "jiangsu",
    "浙江": "zhejiang",
    "安徽": "anhui",
    "福建": "fujian",
    "江西": "jiangxi",
    "山东": "shandong",
    "河南": "henan",
    "湖北": "hubei",
    "湖南": "hunan",
    "广东": "guangdong",
    "广西": "guangxi",
    "海南": "hainan",
    "重庆": "chongqing",
    "四川": "sichuan",
    "贵州": "guizhou",
    "云南": "yunnan",
    "西藏": "xizang",
    "陕西": "shaanxi",
    "甘肃": "gansu",
    "青海": "qinghai",
    "宁夏": "ningxia",
    "新疆": "xinjiang",
    "台湾": "taiwan",
    "香港": "xianggang",
    "澳门": "aomen",
}
CITIES = {
    "广州": "guangzhou",
    "连云港": "lianyungang",
    "厦门": "xiamen",
    "泰安": "taian",
    "济宁": "jining",
    "宜昌": "yichang",
    "襄阳": "xiangyang",
    "荆门": "jingmen",
    "荆州": "jingzhou",
    "孝感": "xiaogan",
    "咸宁": "xianning",
    "平顶山": "pingdingshan",
    "东莞": "dongguan",
    "珠海": "zhuhai",
    "淮安": "huaian",
    "宜宾": "yibin",
    "金华": "jinhua",
    "云浮": "yunfu",
    "汕头": "shantou",
    "深圳": "shenzhen",
    "韶关": "shaoguan",
    "汕尾": "shanwei",
}
OTHER_SPELLINGS = ("inner mongolia", "tibet", "hong kong", "hongkong", "macau", "macao")
NAMES = PROVINCES | CITIES
PINYIN = re.compile(rf"\b({'|'.join([*NAMES.values(), *OTHER_SPELLINGS])})", re.IGNORECASE)
CHINESE = re.compile("|".join(NAMES))
TIME_ZONE = "Asia/Shanghai"
CONSTANT = re.compile(r"\bSHANGHAI\b")
"""The one time zone of all regions goes by a city's name, and so does the constant that holds it."""


def regions(text):
    """Return the regions a text names, whatever the case, apostrophes or underscores."""
    plain = CONSTANT.sub("", text.replace(TIME_ZONE, "")).replace("'", "").replace("’", "").replace("_", " ")
    return sorted({*CHINESE.findall(plain), *(name.lower() for name in PINYIN.findall(plain))})


def test_all_regions_are_looked_for():
    """34 of province level, each once."""
    assert 34 == len(PROVINCES) == len(set(PROVINCES.values()))


@pytest.mark.parametrize("folder", ["rules", "service"])
def test_no_code_names_a_region(folder):
    """No province, municipality or city, in Chinese or in letters."""
    files = sorted((ROOT / folder).rglob("*.py"))
    found = {str(path.relative_to(ROOT)): regions(path.read_text(encoding="utf-8")) for path in files}

    assert files
    assert {} == {name: named for name, named in found.items() if named}


@pytest.mark.parametrize(
    ("slip", "named"),
    [
        ("if region == 'Jining':", ["jining"]),
        ("TAIAN_FACTOR = 0.9", ["taian"]),
        ("# as in Tai'an", ["taian"]),
        ("title = '荆州市'", ["荆州"]),
        ("def lianyungang_style():", ["lianyungang"]),
        ("of_xiamen = 1", ["xiamen"]),
        ("SHANGHAI = ZoneInfo('Asia/Shanghai')", []),
    ],
)
def test_a_slip_would_be_seen(slip, named):
    """The search above finds what it is for."""
    assert named == regions(slip)

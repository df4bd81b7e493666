"""Small packs in memory for the compiler's tests: fixed texts, one function each."""

PACK = b'name: small\nversion: "1"\ntitle: \xe7\xa4\xba\xe4\xbe\x8b\n'
CITATIONS = "id,instrument,number,clause,published,valid_from,valid_to\nnhsa-1,国家知识点,第1批,,2025-05-30,,\n"
HEADER = "rule_id,items,name,title,certainty,level,scope,citation"
UTERUS = "sex-1,002101030300000,子宫造影,区分性别使用,suspicious,warn,safety,nhsa-1"
PENIS = "sex-2,002101030280000,阴茎海绵体造影,区分性别使用,suspicious,warn,safety,nhsa-1"
NEWBORN = "age-1,001201000070000,新生儿护理,儿童专用,suspicious,warn,safety,nhsa-1"
CASE = """- name: 男性患者做子宫造影,提示性别不符
  time: 2026-03-18T09:15:00
  encounter:
    patient: {sex: male}
    lines: [{item: 002101030300000, quantity: 1, price: 12.40, amount: 12.40}]
  findings: [{rule: sex-1, lines: [0]}]
"""


def table(own: str, *rows: str) -> bytes:
    """Return a rule table with the shared columns that are needed, and the kind's ``own``."""
    return "\n".join([f"{HEADER},{own}", *rows, ""]).encode()


def sex_table(*rows: str) -> bytes:
    return table("sex", *(rows or (f"{UTERUS},female", f"{PENIS},male")))


def small(**files: bytes) -> dict[str, bytes]:
    """Return a sound pack of two rules, with files added or replaced (``age_limit`` is ``age_limit.csv``)."""
    named = {f"{name}.csv": content for name, content in files.items() if name not in {"pack", "cases"}}
    named |= {"cases/a.yaml": files["cases"]} if "cases" in files else {}
    sound = {"pack.yaml": PACK, "citations.csv": CITATIONS.encode(), "sex_limit.csv": sex_table()}
    return sound | ({"pack.yaml": files["pack"]} if "pack" in files else {}) | named

"""Small schemes in memory for the compiler's tests: fixed texts, one function each."""

SCHEME = """name: small
version: "1"
title: 示例方案
steps:
  - {step: principal}
  - {step: operations}
  - {step: layer, layers: [core], prefer: [most_parts, most_operations_used]}
  - {step: comprehensive}
"""
CATALOGUE = """group,name,dx,main_op,score,mean_cost
K80.1-1,胆囊结石:胆囊切除,K80.1,51.2300,1000,10000
K80.1-0,胆囊结石:保守治疗,K80.1,,500,5000
"""
CASE = """- name: 胆囊切除入核心病种
  why: 主手术唯一匹配
  case: {principal: K80.100, operations: ["51.2300"], days: 7, cost: 10000}
  expect: {status: core, group: K80.1-1, reasons: []}
"""


def small(**files: str) -> dict[str, bytes]:
    """Return a sound scheme with files added or replaced: ``cci`` is ``cci.csv``, ``scheme`` and ``cases`` are YAML."""
    named = {"scheme": "scheme.yaml", "cases": "cases/a.yaml"}
    given = {named.get(name, f"{name}.csv"): text.encode() for name, text in files.items()}
    return {"scheme.yaml": SCHEME.encode(), "catalogue.csv": CATALOGUE.encode()} | given


def rows(header: str, *lines: str) -> str:
    """Return a table."""
    return "\n".join([header, *lines, ""])


def keys(text: str) -> str:
    """Return the small scheme's manifest with keys after it."""
    return SCHEME + text

"""What schemes are in use, what each holds, and what it lacks (``GET /v1/dip/schemes``)."""

from collections.abc import Iterator
from typing import Any

from rules.dip.directory import Directory
from rules.dip.model import Scheme, Source


def schemes_document(directories: tuple[Directory, ...]) -> dict[str, Any]:
    """Return every scheme in use, the one that judges by default first."""
    return {"schemes": [_scheme(directory) for directory in directories]}


def _scheme(directory: Directory) -> dict[str, Any]:
    scheme = directory.scheme
    return {
        "name": scheme.name,
        "version": scheme.version,
        "title": scheme.title,
        "digest": scheme.digest,
        "partial": scheme.partial,
        "valid_from": scheme.valid_from.isoformat() if scheme.valid_from else None,
        "valid_to": scheme.valid_to.isoformat() if scheme.valid_to else None,
        "counts": counts(directory),
        "absent": list(absent(scheme)),
        "sources": [_source(source) for source in scheme.sources],
    }


def counts(directory: Directory) -> dict[str, int]:
    """Return how much of everything a scheme holds."""
    scheme = directory.scheme
    return {
        "groups": len(scheme.groups),
        "rows": len(scheme.rows),
        "comprehensive": len(scheme.comprehensive.rows),
        "last_resort": len(scheme.last_resort),
        "conditions": len(scheme.conditions),
        "diagnoses": len(scheme.diagnoses),
        "operations": len(scheme.operations),
        "auxiliary": len(scheme.auxiliary.rows),
        "cci": len(scheme.auxiliary.cci),
        "severity": len(scheme.auxiliary.severity),
        "coefficients": len(scheme.points.coefficients),
        "point_values": len(scheme.payment.values),
        "excluded_diagnoses": len(scheme.normalisation.excluded_principal),
        "excluded_operations": len(scheme.normalisation.exclusions),
    }


def absent(scheme: Scheme) -> Iterator[str]:
    """Yield what a scheme does not hold and therefore cannot answer, in Chinese."""
    own = {group.code for group in scheme.groups if group.score is not None}
    unscored = len(scheme.groups) - len(own)
    if scheme.groups and not own:
        yield "病种分值:无法计算分值与支付标准"
    elif unscored:
        yield f"{unscored} 个病种的分值"
    if scheme.groups and all(group.mean_cost is None for group in scheme.groups):
        yield "病种均费:无法判断费用偏差"
    if not scheme.comprehensive.rows and not scheme.comprehensive.template:
        yield "综合病种"
    if not scheme.last_resort:
        yield "保底组"
    if not scheme.diagnoses:
        yield "诊断编码库"
    if not scheme.operations:
        yield "手术操作编码库(操作属性)"
    if not scheme.auxiliary.rows:
        yield "辅助目录系数"
    if not _has_coefficients(scheme):
        yield "医疗机构系数"
    if not scheme.payment.values:
        yield "点值:无法计算支付标准"


def _has_coefficients(scheme: Scheme) -> bool:
    own = any(any(coefficient is not None for coefficient in group.coefficients) for group in scheme.groups)
    return own or bool(scheme.points.coefficients)


def _source(source: Source) -> str:
    return " ".join(part for part in (source.instrument, source.number, source.note) if part)

"""The grouper step by step: principal diagnosis, exclusions, rows of a layer, what is reported and never guessed."""

import pytest

from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import (
    Condition,
    DiagnosisEntry,
    Either,
    Exclusion,
    LastResort,
    Limit,
    Normalisation,
    OperationEntry,
    Step,
)
from rules.dip.reference import group_by_scan
from tests.dip.builders import a_case, a_group, a_row, a_scheme

TABLE = (
    OperationEntry(code="51.2300", attribute="surgery", level=3),
    OperationEntry(code="51.8803", attribute="therapeutic"),
    OperationEntry(code="51.8801", attribute="therapeutic"),
    OperationEntry(code="88.4100", attribute="diagnostic"),
    OperationEntry(code="37.8301", attribute="intervention"),
    OperationEntry(code="80.5100", attribute="surgery", level=2),
)


def grouping(case, *rows, **changes):
    """Return where a case belongs; the plain scan must say the same."""
    directory = Directory.build(a_scheme(*rows, **({"operations": TABLE} | changes)))
    found = group(case, directory)
    assert found == group_by_scan(case, directory)
    return found


def layer(**changes):
    """Return the steps with one layer of these settings."""
    return (
        Step(step="principal"),
        Step(step="operations"),
        Step(step="layer", layers=("core",), **changes),
    )


def reasons(found):
    """Return the reasons of a grouping."""
    return [remark.reason for remark in found.remarks]


# Principal diagnosis


@pytest.mark.parametrize(
    ("principal", "reason", "words"),
    [
        ("", "missing_principal_diagnosis", "病例没有主要诊断编码。"),
        ("  ", "missing_principal_diagnosis", "病例没有主要诊断编码。"),
        ("胆囊结石", "diagnosis_not_in_table", "胆囊结石不是医保版疾病诊断编码的形式。"),
        ("A17.07", "diagnosis_not_in_table", "A17.07不是医保版疾病诊断编码的形式。"),
        ("BNP120", "diagnosis_not_in_table", "BNP120不是医保版疾病诊断编码的形式。"),
        ("W19.x00", "principal_diagnosis_not_allowed", "W19.x00属于外因等附加编码,不能作主要诊断入组。"),
        ("XYZD018987", "diagnosis_not_in_table", "XYZD018987不是医保版疾病诊断编码的形式。"),
        ("M8140/3", "principal_diagnosis_not_allowed", "M8140/3是肿瘤形态学编码,不能作主要诊断入组。"),
        ("G01*", "principal_diagnosis_not_allowed", "G01*是星号(表现)编码,不能作主要诊断入组。"),
    ],
)
def test_a_principal_diagnosis_that_cannot_be_grouped(principal, reason, words):
    """Each has its reason and is named; no row and no last-resort group takes it."""
    last = (LastResort(group="KBBZ", key="*"),)

    found = grouping(a_case(principal), a_row(diagnoses=""), last_resort=last)

    assert ("ungrouped", "", [reason], words) == (found.status, found.group, reasons(found), found.remarks[0].detail)


@pytest.mark.parametrize(
    ("match", "principal", "status"),
    [
        ("equal", "A09.900", "ungrouped"),
        ("equal", "A09.9", "ungrouped"),
        ("equal", "A09.900x001", "core"),
        ("prefix", "A09.900x001", "ungrouped"),
        ("prefix", "A09.000", "core"),
    ],
)
def test_excluded_principal_diagnoses_are_a_switch(match, principal, status):
    """By whole code or by prefix: an open conflict (dip facts 2.6), so the scheme says which."""
    rules = Normalisation(excluded_principal=("A09.900",), excluded_match=match)

    found = grouping(a_case(principal), a_row("A09", "A09"), normalisation=rules)

    assert status == found.status


@pytest.mark.parametrize(("principal", "status"), [("K80.100", "core"), ("K80.200", "ungrouped"), ("K80.1", "core")])
def test_a_whole_table_knows_every_code(principal, status):
    """A code that is not in it is refused; a short one is the code it stands for."""
    found = grouping(
        a_case(principal),
        a_row("K80", "K80"),
        normalisation=Normalisation(whole_table=True),
        diagnoses=(DiagnosisEntry(code="K80.100"),),
    )

    assert status == found.status


@pytest.mark.parametrize(
    ("principal", "status"),
    [("A01.000", "core"), ("A09.900", "core"), ("A10.000", "ungrouped"), ("B20.000", "core"), ("B21.000", "ungrouped")],
)
def test_categories_may_be_listed(principal, status):
    """A category, or a range of them."""
    rules = Normalisation(categories=("A00-A09", "B20"))

    found = grouping(a_case(principal), a_row("X", ""), normalisation=rules)

    assert status == found.status


@pytest.mark.parametrize(("sex", "found"), [("male", ["sex_conflict"]), ("female", []), (None, [])])
def test_a_diagnosis_of_the_other_sex(sex, found):
    """An unknown sex conflicts with nothing."""
    rules = Normalisation(limits=(Limit(code="C56", sex="female"), Limit(code="51", sex="female")))

    assert found == reasons(grouping(a_case("C56.x00", sex=sex), a_row("C56", "C56"), normalisation=rules))


# Diagnoses of rows


@pytest.mark.parametrize(
    ("written", "principal", "fits"),
    [
        ("K80", "K80.100", True),
        ("K80.1", "K80.100x001", True),
        ("K80.1", "K80.200", False),
        ("=K80.100", "K80.100", True),
        ("=K80.100", "K80.100x001", False),
        ("N40.x", "N40.x00", True),
        ("N40.x", "N40", True),
        ("A38.x", "A38.x00x001", True),
        ("A01.0", "A01.002+G01*", True),
        ("=A01.002", "A01.002+G01*", True),
        ("A01.002+G01*", "A01.002+G01", True),
        ("A01.002+G01*", "A01.002", False),
        ("", "K80.100", True),
    ],
)
def test_diagnosis_keys(written, principal, fits):
    """Prefixes, whole codes and pairs; a bare category is padded; a row may ask for no diagnosis at all."""
    assert fits == (grouping(a_case(principal), a_row("G", written)).group == "G")


@pytest.mark.parametrize(
    ("asked", "others", "fits"),
    [
        ({"other_diagnoses": ("T31.1",)}, ("T31.100",), True),
        ({"other_diagnoses": ("T31.1", "T32.1")}, ("I10.x00", "T32.100"), True),
        ({"other_diagnoses": ("K80",)}, (), False),
        ({"other_diagnoses": ("K80",)}, ("K80.100",), True),
        ({"any_diagnosis": ("K80",)}, (), True),
        ({"any_diagnosis": ("P07",)}, ("P07.300",), True),
        ({"any_diagnosis": ("P07",)}, ("P05.000",), False),
        ({"without_diagnoses": ("C78",)}, ("C78.000",), False),
        ({"without_diagnoses": ("K80",)}, (), True),
        ({"other_diagnoses": ("A17.0",)}, ("A17.07",), False),
    ],
)
def test_other_diagnoses_of_rows(asked, others, fits):
    """The principal diagnosis is no other diagnosis, unless it is written there too; TCM codes are never ICD."""
    found = grouping(a_case("K80.100", others=others), a_row("G", "K80", **asked))

    assert fits == (found.group == "G")


def test_a_diagnosis_in_any_position():
    """A row that names no principal diagnosis is found by every diagnosis, once."""
    row = a_row("XQ-16", "", any_diagnosis=("P07",), any_operations=True)

    assert ["XQ-16", "XQ-16", ""] == [
        grouping(case, row).group
        for case in (a_case("P22.000", others=("P07.300", "P07.100")), a_case("P07.300"), a_case("P22.000"))
    ]


RESISTANT = Condition(
    name="resistant",
    any=(Either(principal=("=A15.000x101",)), Either(principal=("A17", "A18"), other=("=U84.300",))),
)


@pytest.mark.parametrize(
    ("principal", "others", "group_"),
    [
        ("A15.000x101", (), "R"),
        ("A15.000", ("U84.300",), "S"),
        ("A17.000", ("U84.300",), "R"),
        ("A17.000", ("U84.300x001",), "S"),
        ("A18.000", (), "S"),
    ],
)
def test_named_conditions(principal, others, group_):
    """Any one way that holds in all it names; ``!`` negates (dip facts 2.6, tuberculosis)."""
    rows = (a_row("R", "A15|A17|A18", condition="resistant"), a_row("S", "A15|A17|A18", condition="!resistant"))

    assert group_ == grouping(a_case(principal, others=others), *rows, conditions=(RESISTANT,)).group


@pytest.mark.parametrize("name", ["unheard", "!unheard"])
def test_a_condition_nobody_defined_holds_for_no_case(name):
    """Nothing can be said of it, so its row takes nobody."""
    assert "" == grouping(a_case(), a_row("G", condition=name)).group


# Operations of rows


@pytest.mark.parametrize(
    ("main", "related", "operations", "fits"),
    [
        ("51.2300|51.2400", "", ("51.2400",), True),
        ("51.2300", "", ("88.4100", "51.2300"), False),
        ("51.2300+88.4100", "", ("88.4100", "51.2300"), True),
        ("51.2300+88.4100", "", ("37.8301", "51.2300", "88.4100"), False),
        ("51.2300", "88.4100", ("51.2300", "37.8301", "88.4100"), True),
        ("51.2300", "88.4100", ("88.4100", "51.2300"), False),
        ("51.2300", "(51.8803|51.8805)+51.8801", ("51.2300", "51.8801", "51.8805"), True),
        ("51.2300", "(51.8803|51.8801)+51.8801", ("51.2300", "51.8801"), False),
        ("51.2300", "(51.8803|51.8801)+51.8801", ("51.2300", "51.8801", "51.8803"), True),
        ("51.2300+51.2300", "", ("51.2300", "51.2300"), False),
        ("51.2300", "", ("51.2300x001",), False),
        ("99.2800x005", "", ("99.2800x006",), False),
        ("51.2300", "", ("51.23",), True),
    ],
)
def test_operation_expressions(main, related, operations, fits):
    """One main part holds the main operation; other parts are met anywhere; no operation meets two."""
    found = grouping(a_case("K80.100", *operations), a_row("G", "K80", main, related))

    assert fits == (found.group == "G")


def test_operations_anywhere():
    """A row may let its operations stand in any position (ECMO; city rows that read a set)."""
    rows = (a_row("ECMO", "", "39.6500", anywhere=True), a_row("SET", "K80", "51.2300+88.4100", anywhere=True))

    assert ["ECMO", "SET", ""] == [
        grouping(a_case("K80.100", *operations), *rows).group
        for operations in (("88.4100", "39.65"), ("37.8301", "88.4100", "51.2300"), ("37.8301", "88.4100"))
    ]


def test_what_a_row_uses_does_not_hang_on_the_order():
    """Of two operations that may meet a part, the one first in code order is named."""
    row = a_row("G", "K80", "51.2300", "88.4100|51.8803")

    assert [("51.2300", "51.8803"), ("51.2300", "51.8803")] == [
        grouping(a_case("K80.100", "51.2300", *operations), row).used
        for operations in (("88.4100", "51.8803"), ("51.8803", "88.4100"))
    ]


@pytest.mark.parametrize(
    ("written", "sent", "found"),
    [
        ("99.28", "99.2800x005", "G"),
        ("99.2800", "99.2800", "G"),
        ("99.2800", "99.2800x005", ""),
        ("99.2800x005", "99.2800x006", ""),
        ("33.6x00", "33.6x00x001", ""),
        ("17.98", "17.98330", "G"),
        ("17.9833", "17.98330", "G"),
    ],
)
def test_a_whole_code_stands_for_none_of_its_extensions(written, sent, found):
    """Short codes are beginnings; 99.2800 and 99.2800x005 are different treatments (dip facts 2.2.5)."""
    assert (
        found
        == grouping(a_case("K80.100", sent), a_row("G", main=written), steps=layer(operation_match="prefix")).group
    )


def test_short_codes_stand_for_all_that_begin_so():
    """Only where the step says prefix."""
    row = a_row("G", "K80", "51.23", "51.88")
    case = a_case("K80.100", "51.2300x001", "51.8803")

    assert ["G", ""] == [grouping(case, row, steps=layer(operation_match=match)).group for match in ("prefix", "equal")]


def test_star_rows_do_not_look_at_operations():
    """They fit with and without."""
    row = a_row("G", "K80", any_operations=True)

    assert ["G", "G"] == [grouping(case, row).group for case in (a_case(), a_case("K80.100", "51.2300"))]


@pytest.mark.parametrize(
    ("operations", "group_"),
    [
        ((), "K80.1"),
        (("51.2300",), "K80.1-a"),
        (("88.4100",), ""),
        (("99.0400",), "K80.1"),
    ],
)
def test_conservative_rows_come_last(operations, group_):
    """Only if no row with operations fits and the case's attribute is conservative (dip facts 2.5.5)."""
    found = grouping(a_case("K80.100", *operations), a_row("K80.1"), a_row("K80.1-a", main="51.2300"))

    assert group_ == found.group


@pytest.mark.parametrize(
    ("operations", "group_", "used"),
    [
        (("51.2300",), "G", ("51.2300",)),
        (("51.2300", "51.8803"), "G+1", ("51.2300", "51.8803")),
        (("51.2300", "51.8803", "51.8801"), "G+2", ("51.2300", "51.8803", "51.8801")),
        (("51.2300", "51.8801"), "G+2", ("51.2300", "51.8801")),
    ],
)
def test_related_operations_found_in_part(operations, group_, used):
    """The row of which most is found; none found: the row without related operations (dip facts 2.6)."""
    rows = (
        a_row("G+1", "K80", "51.2300", "51.8803"),
        a_row("G+2", "K80", "51.2300", "51.8803+51.8801"),
        a_row("G", "K80", "51.2300"),
    )
    steps = layer(related="partial", prefer=("most_related", "fewest_related_missing"))

    found = grouping(a_case("K80.100", *operations), *rows, steps=steps)

    assert (group_, used) == (found.group, found.used)


def test_a_row_of_which_nothing_related_is_found_is_not_taken():
    """Its main operation fits; but a group for an operation that was not done would be a guess."""
    found = grouping(
        a_case("K80.100", "51.2300"), a_row("G+1", "K80", "51.2300", "51.8803"), steps=layer(related="partial")
    )

    assert ("ungrouped", "") == (found.status, found.group)


def test_related_operations_may_be_ignored():
    """As in the basic layer of the one implementation seen."""
    row = a_row("G", "K80", "51.2300", "51.8803")

    assert ["G", ""] == [
        grouping(a_case("K80.100", "51.2300"), row, steps=layer(related=related)).group
        for related in ("ignored", "complete")
    ]


def test_official_rows_that_overlap():
    """BX-1039 and BX-1040 fit one case: the row with more related operations found is taken, without a tie."""
    main = "51.8803|51.8805|51.8800x006"
    rows = (
        a_row("BX-1039", "K80", main, "51.2300|51.8701"),
        a_row("BX-1040", "K80", main, "(51.2300|51.8701)+(51.8806|51.8801)"),
        a_row("BX-1041", "K80", main),
    )
    steps = layer(related="partial", prefer=("most_related", "fewest_related_missing"))

    found = [
        grouping(a_case("K80.100", *operations), *rows, steps=steps)
        for operations in (("51.8803", "51.2300", "51.8801"), ("51.8803", "51.2300"), ("51.8803",))
    ]

    assert [("BX-1040", ()), ("BX-1039", ()), ("BX-1041", ())] == [(one.group, one.tied) for one in found]


# Exclusions


@pytest.mark.parametrize(
    ("effect", "operations", "group_", "kept", "attribute"),
    [
        ("removed", ("80.5100", "51.2300"), "OP", ("51.2300",), "surgery"),
        ("removed", ("80.5100",), "NONE", (), "conservative"),
        ("conservative", ("80.5100", "51.2300"), "NONE", (), "conservative"),
        ("conservative", ("51.2300", "80.5100"), "OP", ("51.2300", "80.5100"), "surgery"),
        ("conservative", ("88.4100", "80.5100"), "", ("88.4100", "80.5100"), "diagnostic"),
        ("not_main", ("80.5100", "51.2300"), "OP", ("51.2300", "80.5100"), "surgery"),
        ("not_main", ("80.5100",), "NONE", (), "conservative"),
        ("not_main", ("88.4100", "80.5100"), "", ("88.4100", "80.5100"), "surgery"),
        ("within_scope", ("80.5100",), "NONE", (), "conservative"),
    ],
)
def test_excluded_operations(effect, operations, group_, kept, attribute):
    """Removed; conservative as main; never main; main within a scope only (dip facts 2.2.6 and 2.6)."""
    rules = Normalisation(exclusions=(Exclusion(code="80.5100", effect=effect, scope=("M51",)),))
    rows = (a_row("NONE", "K80"), a_row("OP", "K80", "51.2300"), a_row("EXCLUDED", "K80", "80.5100"))

    found = grouping(a_case("K80.100", *operations), *rows, normalisation=rules)

    assert (group_, kept, attribute) == (found.group, found.operations, found.attribute)


def test_an_operation_is_main_within_its_scope():
    """For the listed principal diagnoses it counts as any other does."""
    rules = Normalisation(exclusions=(Exclusion(code="80.5100", effect="within_scope", scope=("K80.1",)),))

    found = grouping(a_case("K80.100", "80.5100"), a_row("G", "K80", "80.5100"), normalisation=rules)

    assert ("G", "surgery") == (found.group, found.attribute)


def test_a_scheme_without_the_step_excludes_nothing():
    """Steps do what the scheme lists, no more."""
    rules = Normalisation(exclusions=(Exclusion(code="80.5100", effect="removed"),))
    steps = (Step(step="layer", layers=("core",)),)

    assert (
        "G"
        == grouping(a_case("K80.100", "80.5100"), a_row("G", main="80.5100"), normalisation=rules, steps=steps).group
    )


# Bounds


NEWBORN = a_row(
    "XQ-16", "", any_diagnosis=("P07",), any_operations=True, max_age_days=28, min_weight_g=0, max_weight_g=999
)


@pytest.mark.parametrize(
    ("facts", "group_", "found"),
    [
        ({"age_days": 3, "weight_g": 999}, "XQ-16", []),
        ({"age_days": 28, "weight_g": 800}, "XQ-16", []),
        ({"age_days": 29, "weight_g": 800}, "JC", []),
        ({"age_days": 3, "weight_g": 1000}, "JC", []),
        ({"age_days": 3}, "", ["weight_missing"]),
        ({"weight_g": 800}, "", ["age_missing"]),
        ({}, "", ["age_missing", "weight_missing"]),
        ({"age_days": 3, "weight_g": 0}, "", ["weight_missing"]),
        ({"age_days": -3, "weight_g": 800}, "", ["age_missing"]),
        ({"age_years": 0, "weight_g": 800}, "", ["age_missing"]),
        ({"age_years": 1, "weight_g": 800}, "JC", []),
        ({"age_years": -1, "weight_g": 800}, "", ["age_missing"]),
        ({"weight_g": 1000}, "JC", []),
    ],
)
def test_a_newborn_rule_needs_its_facts(facts, group_, found):
    """An absent fact leaves the case ungrouped with its reason, unless another one settles it."""
    case = a_case("P07.300", **({"age_years": None} | facts))

    result = grouping(
        case,
        NEWBORN,
        a_row("JC", "P07", layer="basic"),
        steps=(Step(step="layer", layers=("core",)), Step(step="layer", layers=("basic",))),
    )

    assert (group_, found) == (result.group, reasons(result))


@pytest.mark.parametrize(
    ("bounds", "years", "fits"),
    [
        ({"min_age_days": 6575}, 18, True),
        ({"min_age_days": 6575}, 17, False),
        ({"min_age_days": 6570}, 18, True),
        ({"min_age_days": 6570}, 17, False),
        ({"max_age_days": 6574}, 17, True),
        ({"max_age_days": 6574}, 18, False),
        ({"min_age_days": 36525}, 100, True),
        ({"min_age_days": 29}, 0, None),
        ({"min_age_days": 0}, 0, True),
        ({"max_age_days": 365}, 0, True),
    ],
)
def test_whole_years_are_enough_for_bounds_in_years(bounds, years, fits):
    """However leap days were counted into the bound; within a year only days tell."""
    found = grouping(a_case(age_years=years), a_row("G", **bounds))

    assert {True: ("G", []), False: ("", ["no_group"]), None: ("", ["age_missing"])}[fits] == (
        found.group,
        reasons(found),
    )


@pytest.mark.parametrize(
    ("bounds", "facts", "found"),
    [
        ({"sex": "male"}, {"sex": "male"}, []),
        ({"sex": "male"}, {"sex": "female"}, ["no_group"]),
        ({"sex": "male"}, {"sex": None}, ["fact_missing"]),
        ({"min_days": 8}, {"days": 7}, ["no_group"]),
        ({"min_days": 7, "max_days": 7}, {"days": 7}, []),
        ({"max_days": 7}, {"days": None}, ["fact_missing"]),
        ({"max_days": 7}, {"days": -1}, ["fact_missing"]),
        ({"max_days": 7}, {"days": 0}, []),
    ],
)
def test_other_bounds(bounds, facts, found):
    """Sex and days of stay; bounds include themselves."""
    assert found == reasons(grouping(a_case(**facts), a_row("G", **bounds)))


def test_an_open_row_is_not_passed_over_for_one_that_fits():
    """The answer could be either, so it is neither; the groups that ask for the fact are named."""
    rows = (a_row("HEAVY", min_weight_g=2500), a_row("ANY"), a_row("LIGHT", max_weight_g=2499))

    found = grouping(a_case(), *rows)

    assert ["缺体重,不能判断是否入HEAVY、LIGHT。"] == [remark.detail for remark in found.remarks]


# Attribute, filters, unknown operations, outcomes


def test_an_unknown_operation_leaves_the_attribute_open():
    """Where the scheme says so: no conservative row, no comprehensive group, no last resort."""
    rules = Normalisation(unknown_operation="undecided")
    last = (LastResort(group="KBBZ", key="*"),)

    found = grouping(a_case("K80.100", "99.0400"), a_row("K80.1"), normalisation=rules, last_resort=last)

    assert ("ungrouped", None, ["operation_not_known"]) == (found.status, found.attribute, reasons(found))
    assert "手术操作99.0400的操作属性未知,不能判断入组。" == found.remarks[0].detail


def test_an_unknown_operation_does_not_lower_surgery():
    """The highest attribute is the highest whatever the other operation is."""
    rules = Normalisation(unknown_operation="undecided")

    found = grouping(a_case("K80.100", "51.2300", "99.0400"), a_row("G", main="51.2300"), normalisation=rules)

    assert ("G", "surgery", ["operation_not_known"]) == (found.group, found.attribute, reasons(found))


def test_a_row_that_rests_on_an_unknown_operation_says_nothing_of_it():
    """The row names the operation; its attribute did not matter."""
    assert [] == reasons(grouping(a_case("K80.100", "99.0400"), a_row("G", main="99.0400")))


@pytest.mark.parametrize(
    ("filters", "operations", "group_"),
    [
        (("no_unused_surgery",), ("88.4100", "51.2300"), ""),
        (("no_unused_surgery",), ("88.4100", "37.8301"), ""),
        (("no_unused_surgery",), ("88.4100", "51.8803"), "D"),
        (("attribute_equals_case",), ("88.4100", "51.8803"), ""),
        (("attribute_equals_case",), ("88.4100",), "D"),
        ((), ("88.4100", "51.2300"), "D"),
    ],
)
def test_filters(filters, operations, group_):
    """Rows that leave surgery unused, or whose attribute is not the case's, are dropped where the scheme says so."""
    found = grouping(a_case("K80.100", *operations), a_row("D", main="88.4100"), steps=layer(require=filters))

    assert group_ == found.group


def test_a_filter_that_cannot_be_judged_leaves_the_case_open():
    """The case's attribute is not known, so no row can be said to equal it."""
    rules = Normalisation(unknown_operation="undecided")
    steps = layer(require=("attribute_equals_case",))
    case = a_case("K80.100", "88.4100", "99.0400")

    found = grouping(case, a_row("D", main="88.4100"), normalisation=rules, steps=steps)

    assert ("", ["operation_not_known"]) == (found.group, reasons(found))


def test_a_star_row_is_of_every_attribute():
    """Operations do not matter to it, so it leaves none unused."""
    steps = layer(require=("no_unused_surgery", "attribute_equals_case"))

    assert "G" == grouping(a_case("K80.100", "51.2300"), a_row("G", any_operations=True), steps=steps).group


@pytest.mark.parametrize("kind", ["core", "primary_care", "tcm", "bed_day"])
def test_the_status_is_the_class_of_the_group(kind):
    """核心、基层、中医、床日病种."""
    found = grouping(a_case(), a_row("G"), groups=(a_group("G", kind=kind),))

    assert (kind, "G", "core", 0, "K80.100") == (found.status, found.group, found.layer, found.row, found.principal)


def test_a_row_whose_group_is_not_described_is_core():
    """A group without figures is still a group."""
    assert ("core", "G") == (grouping(a_case(), a_row("G"), groups=()).status, "G")


@pytest.mark.parametrize(("partial", "said"), [(True, True), (False, False)])
def test_nothing_found(partial, said):
    """The code is named, and an extract says that it is one."""
    found = grouping(a_case("K81.000", "51.2300"), a_row(), partial=partial)

    assert ["no_group"] == reasons(found)
    assert found.remarks[0].detail.startswith("目录中没有与主要诊断K81.000、手术操作51.2300对应的病种。")
    assert said == ("目录节选" in found.remarks[0].detail)


def test_layers_are_searched_in_the_order_of_the_steps():
    """The first step that finds a group ends the search; layers of one step are read together."""
    rows = (a_row("B", layer="b"), a_row("A", layer="a"))
    one_after_the_other = (Step(step="layer", layers=("a",)), Step(step="layer", layers=("b",)))
    together = (Step(step="layer", layers=("a", "b"), prefer=("catalogue_order",)),)

    assert [("A", ()), ("B", ("A",))] == [
        (found.group, found.tied)
        for found in (grouping(a_case(), *rows, steps=steps) for steps in (one_after_the_other, together))
    ]


def test_repetitions_change_nothing():
    """Duplicate operations and diagnoses are one."""
    rows = (a_row("G", "K80", "51.2300", "88.4100", other_diagnoses=("I10",)),)
    once = a_case("K80.100", "51.2300", "88.4100", others=("I10.x00",))
    twice = a_case("K80.100", "51.2300", "51.23", "88.4100", "88.4100", others=("I10.x00", "I10.x00", "i10x00"))

    assert grouping(once, *rows) == grouping(twice, *rows)


def test_a_scheme_without_steps_groups_nothing():
    """And still says why."""
    assert ["no_group"] == reasons(grouping(a_case(), a_row(), steps=()))
    assert ["missing_principal_diagnosis"] == reasons(grouping(a_case(""), a_row(), steps=()))

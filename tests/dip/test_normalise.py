"""Codes as hospitals send them: shapes, repairs by the scheme's codes, version maps; each normal form is its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.codings import diagnosis_code
from rules.dip.model import DiagnosisEntry, Exclusion, Normalisation, OperationEntry
from rules.dip.normalise import (
    Normaliser,
    diagnosis,
    head,
    is_asterisk,
    is_diagnosis,
    is_morphology,
    is_tcm,
    operation,
)
from tests.dip.builders import a_row, a_scheme
from tests.dip.made import SENT, SPELT

TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="AKXxM01289.+*†/ Ｋ１．ａ\t", max_size=16),
    st.sampled_from([*SENT, *SPELT]),
)


def a_normaliser(*rows, operations=(), diagnoses=(), **rules):
    """Return the normaliser of a scheme that names these codes."""
    scheme = a_scheme(
        *rows,
        operations=tuple(OperationEntry(code=code) for code in operations),
        diagnoses=tuple(DiagnosisEntry(code=code) for code in diagnoses),
        normalisation=Normalisation(**rules),
    )
    return Normaliser(scheme)


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        ("A00.000", "A00.000"),
        ("A00.000x001", "A00.000x001"),
        ("A00.000X001", "A00.000x001"),
        ("a00.000", "A00.000"),
        (" A00. 000 ", "A00.000"),
        ("Ａ００．０００", "A00.000"),
        ("A00000", "A00.000"),
        ("A00000X001", "A00.000x001"),
        ("K801", "K80.1"),
        ("N40X00", "N40.x00"),
        ("N40.X00X001", "N40.x00x001"),
        ("X59.900X002", "X59.900x002"),
        ("x59.900", "X59.900"),
        ("A01.002+G01*", "A01.002+G01*"),
        ("A01.000X003+G01", "A01.000x003+G01*"),
        ("a01002†g01*", "A01.002+G01*"),
        ("K70.302+I98.3*", "K70.302+I98.3*"),
        ("G01*", "G01*"),
        ("M8140/3", "M8140/3"),
        ("A17.07", "A17.07"),
        ("", ""),
        (" ", ""),
        ("+", ""),
        ("胆囊结石", "胆囊结石"),
    ],
)
def test_diagnosis_shapes(sent, normal):
    """What the shape of a diagnosis code tells is repaired; a dagger pair is kept, with its asterisk."""
    assert normal == diagnosis(sent)


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        ("51.2300", "51.2300"),
        ("51.2300X001", "51.2300x001"),
        ("33.6X00", "33.6x00"),
        ("86.3x10X071", "86.3x10x071"),
        ("６０．５ｘ０２", "60.5x02"),
        ("6.31", "06.3100"),
        ("3.3101", "03.3101"),
        ("6.2x01", "06.2x01"),
        ("51.23", "51.2300"),
        ("51.230", "51.2300"),
        ("512300", "51.2300"),
        ("512300x001", "51.2300x001"),
        ("5123", "51.2300"),
        ("336x00", "33.6x00"),
        ("17.98330", "17.98330"),
        ("1798330", "17.98330"),
        ("17.991f0", "17.991F0"),
        ("17.9833", "17.9833"),
        ("33.6", "33.6"),
        ("66.69x002", "66.69x002"),
        ("63100", "63100"),
        ("", ""),
        ("胆囊切除", "胆囊切除"),
    ],
)
def test_operation_shapes(sent, normal):
    """What the shape of an operation code tells is repaired; what could be two codes stays as it came."""
    assert normal == operation(sent)


@pytest.mark.parametrize(
    ("sent", "known", "normal"),
    [
        ("17.9833", ["17.98330"], "17.98330"),
        ("17.9833", ["17.98330", "17.9833"], "17.9833"),
        ("17.983", ["17.98300"], "17.98300"),
        ("17.972", ["17.972E0"], "17.972E0"),
        ("17.972", ["17.972E0", "17.97200"], "17.972"),
        ("33.6", ["33.6x00"], "33.6x00"),
        ("37.7", ["37.7000"], "37.7000"),
        ("37.7", ["37.7000", "37.7x00"], "37.7"),
        ("63100", ["06.3100"], "06.3100"),
        ("63100", ["06.3100", "63.1000"], "63100"),
        ("99.2800", ["99.2800x005"], "99.2800"),
        ("99.2800x005", ["99.2800"], "99.2800x005"),
    ],
)
def test_operations_are_repaired_by_the_table(sent, known, normal):
    """Zeros that the shape does not show come back if exactly one known code may have lost them; never an extension."""
    assert (normal,) == a_normaliser(operations=known).operations([sent])


def test_every_place_that_names_a_code_makes_it_known():
    """Operation table, catalogue, maps and exclusions; a family of the table is no code."""
    row = a_row(main="17.98330", related="17.98310")
    exclusion = Exclusion(code="17.91120", effect="removed")
    normaliser = a_normaliser(
        row, operations=("17.9*",), operation_map={"99.9211": "17.91110"}, exclusions=(exclusion,)
    )

    found = normaliser.operations(["17.9833", "17.9831", "17.9112", "17.9111", "17.9"])

    assert ("17.98330", "17.98310", "17.91120", "17.91110", "17.9") == found


@pytest.mark.parametrize(
    ("sent", "known", "normal"),
    [
        ("A09.9", ["A09.900"], "A09.900"),
        ("K80", ["K80.100"], "K80"),
        ("N40", ["N40.x00"], "N40.x00"),
        ("K80.10", ["K80.100"], "K80.100"),
        ("K80.1", ["K80.100", "K80.1"], "K80.1"),
        ("K80.1", [], "K80.1"),
        ("A07.10", ["A07.100"], "A07.10"),
    ],
)
def test_diagnoses_are_repaired_by_the_table(sent, known, normal):
    """A short code is the whole code it stands for, where that is known: so an exclusion list is not escaped."""
    assert normal == a_normaliser(diagnoses=known).principal(sent)


def test_version_maps_are_applied_once():
    """A map may swap two codes; a code of a pair is mapped by its cause where the pair is not listed."""
    normaliser = a_normaliser(
        diagnosis_map={"A01.000": "A01.100", "A01.100": "A01.000", "A02.000+G01*": "A02.900"},
        operation_map={"99.9211": "17.91110"},
    )

    assert ["A01.100", "A01.000", "A02.900", "A01.100+G01*"] == [
        normaliser.principal(code) for code in ("A01.000", "A01.100", "A02.000+G01*", "A01.000+G01*")
    ]
    assert ("17.91110",) == normaliser.operations(["99.9211"])


def test_a_pair_of_the_table_is_not_mapped_by_its_cause():
    """It is a code of its own; only a pair that nobody lists is read as its cause and a manifestation."""
    normaliser = a_normaliser(diagnoses=["B19.900x001+M03.2*"], diagnosis_map={"B19.900x001": "B19.900"})

    assert ["B19.900x001+M03.2*", "B19.900+G63.0*"] == [
        normaliser.principal(code) for code in ("B19.900x001+M03.2*", "B19.900x001+G63.0*")
    ]


def test_other_diagnoses_come_once_and_without_tcm():
    """Order is kept; repetitions, blanks and TCM codes are left out."""
    found = a_normaliser().diagnoses(["I10.x00", "A17.07", "", "BNP120", "i10X00", "E11.900", "院内001"])

    assert ("I10.x00", "E11.900", "院内001") == found


def test_operations_come_once_in_their_order():
    """The first stays the main one."""
    found = a_normaliser().operations(["51.23", "", "88.4100", "51.2300", "51.2300x001"])

    assert ("51.2300", "88.4100", "51.2300x001") == found


@pytest.mark.parametrize(
    ("code", "shape"),
    [
        ("K80.100", "icd"),
        ("A01.002+G01*", "icd"),
        ("N40", "icd"),
        ("A17.07", "tcm"),
        ("B04.02.01", "tcm"),
        ("BNP120", "tcm"),
        ("M8140/3", "morphology"),
        ("M81400/3", "morphology"),
        ("G01*", "asterisk"),
        ("胆囊结石", ""),
        ("K8", ""),
        ("Q85.001M95400/1", ""),
    ],
)
def test_kinds_of_codes(code, shape):
    """Each code is of one kind, or of none."""
    found = {
        "icd": is_diagnosis(code),
        "tcm": is_tcm(code),
        "morphology": is_morphology(code),
        "asterisk": is_asterisk(code),
    }

    assert [shape] * bool(shape) == [name for name, held in found.items() if held]


def test_the_head_of_a_pair_is_its_cause():
    """Groups are keyed by what stands before the plus sign."""
    assert ["A01.002", "K80.100"] == [head("A01.002+G01*"), head("K80.100")]


@pytest.mark.parametrize("text", ["K80.100x001", "n40.x00", "E11.200x011+N08.3*", "A17.07", "I10"])
def test_codes_of_the_checks_are_understood(text):
    """What ``rules.codings`` makes of a code is the same code here."""
    assert diagnosis(text) == diagnosis(diagnosis_code(text)[0])


@given(TEXT)
def test_a_normal_form_is_its_own(text):
    """Doing it twice changes nothing, whatever the text."""
    assert diagnosis(text) == diagnosis(diagnosis(text))
    assert operation(text) == operation(operation(text))


KNOWING = a_normaliser(
    a_row(main="17.98330|06.3100", related="33.6x00"),
    operations=("51.2300", "37.7000"),
    diagnoses=("K80.100", "N40.x00"),
    diagnosis_map={"A09.900": "A09.901"},
    operation_map={"99.9211": "17.91110"},
)


@given(TEXT)
def test_a_scheme_normalises_once_and_for_all(text):
    """Repaired and mapped codes stay what they are, where the map does not chain."""
    once = KNOWING.principal(text)
    others, operations = KNOWING.diagnoses([text]), KNOWING.operations([text])

    assert once == KNOWING.principal(once)
    assert others == KNOWING.diagnoses(others)
    assert operations == KNOWING.operations(operations)

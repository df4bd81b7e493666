"""Checks that look at more than one cell: what they spare, beside what ``broken/`` shows that they find."""

from rules.compiler.documents import Dialect, compose, key_lines, read_list
from rules.dip.compiler import examine_scheme
from rules.dip.model import Step
from tests.dip.compiler.schemes import CATALOGUE, SCHEME, keys, rows, small

TWO_STEPS = SCHEME.replace(
    "  - {step: comprehensive}", "  - {step: layer, layers: [basic], prefer: [most_parts]}\n  - {step: comprehensive}"
)


def codes(**files: str) -> list[str]:
    """Return the code of every diagnostic."""
    return [one.code for one in examine_scheme(small(**files)).diagnostics]


class TestUnreachable:
    """Rows that some case can reach after all."""

    REMOVED = rows("code,effect", "51.2300,removed")

    def test_an_alternative_is_left(self) -> None:
        """One code of a part may be removed."""
        catalogue = CATALOGUE.replace("51.2300", "51.2300|51.2400")

        assert [] == codes(catalogue=catalogue, excluded_operations=self.REMOVED)

    def test_no_step_removes_anything(self) -> None:
        """Without the step the list is not applied: the list is at fault, not the row."""
        scheme = SCHEME.replace("  - {step: operations}\n", "")

        assert ["UNUSED_TABLE"] == codes(scheme=scheme, excluded_operations=self.REMOVED)

    def test_a_related_operation_that_need_not_be_there(self) -> None:
        """Where related operations suffice in part, a removed one keeps nobody out."""
        catalogue = rows("group,dx,main_op,related_op", "K1,K80,51.2400,51.2300")
        partial = SCHEME.replace("prefer:", "related: partial, prefer:")

        assert ["UNREACHABLE_ROW"] == codes(catalogue=catalogue, excluded_operations=self.REMOVED)
        assert [] == codes(scheme=partial, catalogue=catalogue, excluded_operations=self.REMOVED)

    def test_excluded_diagnoses_by_equality(self) -> None:
        """A prefix also stands for longer codes, which equality leaves in; a whole code does not."""
        excluded = rows("code", "A09.900")

        assert [] == codes(catalogue=rows("group,dx", "A1,A09.900"), excluded_diagnoses=excluded)
        assert ["UNREACHABLE_ROW"] == codes(catalogue=rows("group,dx", "A1,=A09.900"), excluded_diagnoses=excluded)

    def test_excluded_diagnoses_by_prefix(self) -> None:
        """Then all that begins so is out."""
        scheme = keys("normalisation: {excluded_match: prefix}\n")
        excluded = rows("code", "A09.9")

        found = codes(scheme=scheme, catalogue=rows("group,dx", "A1,A09.900"), excluded_diagnoses=excluded)
        assert ["UNREACHABLE_ROW"] == found

    def test_an_earlier_step_that_takes_only_some(self) -> None:
        """Another diagnosis, an age or a filter leaves something for the later step."""
        later = "K2,basic,K80.1,51.2300,"

        def found(earlier: str, scheme: str = TWO_STEPS) -> list[str]:
            return codes(scheme=scheme, catalogue=rows("group,layer,dx,main_op,min_age", earlier, later))

        assert ["UNREACHABLE_ROW"] == found("K1,core,K80,*,")
        assert ["UNREACHABLE_ROW"] == found("K1,core,K80,51.2300,")
        assert [] == found("K1,core,K80.2,*,")
        assert [] == found("K1,core,K80,*,18y")
        assert [] == found("K1,core,K80,*,", TWO_STEPS.replace("[core],", "[core], require: [no_unused_surgery],"))


class TestOneFault:
    """A fault is said once, not once for each of its consequences."""

    def test_notation_of_a_manifest_that_cannot_be_read(self) -> None:
        """No cell is blamed for a notation that is not known."""
        table = rows("group,dx,main_op", 'K1,K80,"51.2300,51.2400"', "K2,K81,51.2")

        assert ["INVALID_SCHEME"] == codes(scheme=SCHEME + "extra: 1\n", catalogue=table)

    def test_mentions_of_a_broken_row(self) -> None:
        """A group whose row is broken is not unknown besides."""
        catalogue = rows("group,dx,score", "K1,K80,x")
        auxiliary = rows("type,subtype,group,coefficient", "cci,severe,K1,1.2")

        assert ["INVALID_CELL"] == codes(catalogue=catalogue, auxiliary=auxiliary)

    def test_mentions_when_a_table_cannot_be_read(self) -> None:
        """Nothing is unknown while the table that may have it is not read."""
        auxiliary = rows("type,subtype,group,coefficient", "cci,severe,K1,1.2")

        assert ["INVALID_CSV"] == codes(catalogue='group,dx\n"K"1,x\n', auxiliary=auxiliary)

    def test_groups_of_a_template(self) -> None:
        """A group that exists without a row may be named; one of another shape may not."""
        scheme = keys('comprehensive: {template: "{category}-{number}", numbers: {surgery: "4"}}\n')
        header = "coefficient,group"

        assert [] == codes(scheme=scheme, coefficients=rows(header, "1.1,I25-4"))
        assert ["UNKNOWN_GROUP"] == codes(scheme=scheme, coefficients=rows(header, "1.1,I25-5"))


class TestNumbers:
    """What may stand beside each other."""

    def test_coefficients_of_different_years_and_places(self) -> None:
        """Only rows for the same cases on the same day contradict each other."""
        header = "coefficient,level,insurance,valid_from,valid_to"

        assert [] == codes(
            coefficients=rows(
                header, "0.9,3,,2025-01-01,2025-12-31", "0.93,3,,2026-01-01,", "0.95,3,310,2026-01-01,", "0.7,2,,,"
            )
        )
        assert ["OVERLAPPING_DATES"] == codes(coefficients=rows(header, "0.9,3,,,", "0.93,3,,2026-01-01,"))

    def test_a_coefficient_at_every_level_or_none(self) -> None:
        """Neither is a gap; rows of a group count together."""
        header = "group,dx,coefficient_1,coefficient_2,coefficient_3"

        assert [] == codes(catalogue=rows(header, "K1,K80,1,1,1", "K2,K81,,,", "K3,K82,1,,", "K3,K83,,1,1"))

    def test_bands_that_follow_each_other(self) -> None:
        """From 0 to no end; ages and ICU days may leave days out."""
        text = (
            "payment:\n  bands: [{end: 0.85, pay: actual}, {start: 0.85, end: 1}, {start: 1, pay: capped}]\n"
            "auxiliary:\n  age_bands: [[0-28d, 0, 28], [66y+, 24090, null]]\n"
        )

        assert [] == codes(scheme=keys(text))

    def test_a_map_to_itself(self) -> None:
        """Maps list what stays, too."""
        assert [] == codes(operation_map=rows("from,to", "51.2300,51.2300", "51.2200,51.2300"))


class TestDocuments:
    """What schemes need of the YAML reader."""

    def test_lines_of_list_entries(self) -> None:
        """A fault in the second entry of a list has that entry's line."""
        node, _ = compose("a:\n  - b: 1\n  - b: 2\n    c: [x,\n      y]\n")
        assert node is not None

        lines = key_lines(node)
        assert (2, 3, 4, 5) == (lines["a[0]"], lines["a[1].b"], lines["a[1].c"], lines["a[1].c[1]"])

    def test_a_list_of_nouns(self) -> None:
        """Each with its line; a faulty one hides no other."""
        found, faults = read_list(
            "- {step: principal}\n- {step: x}\n- {step: operations}\n", Step, Dialect(), one="step"
        )

        assert ((1, Step(step="principal")), (3, Step(step="operations"))) == found
        assert [(2, "step")] == [(fault.line, fault.path) for fault in faults]

    def test_what_is_no_list(self) -> None:
        """The form that is wanted is shown."""
        _, faults = read_list("a: 1\n", Step, Dialect(), one="step")

        assert ["expected a list of steps"] == [fault.message for fault in faults]

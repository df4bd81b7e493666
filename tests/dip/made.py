"""Generated schemes and cases, for properties: few codes that meet often, every column and switch in play.

Everything follows from the number it is made from, so a failure is made again from its number.
"""

from decimal import Decimal
from random import Random

from rules.dip.choosing import TIE_RULES
from rules.dip.model import (
    Case,
    Comprehensive,
    ComprehensiveRow,
    Condition,
    DiagnosisEntry,
    Either,
    Exclusion,
    Group,
    LastResort,
    Limit,
    Normalisation,
    OperationEntry,
    Row,
    Scheme,
    Step,
)

DIAGNOSES = ["K80.100", "K80.100x001", "K80.201", "N40.x00", "A01.002+G01*", "P07.300", "C18.900", "W19.x00", "Z51.100"]
SENT = [
    "k80100",
    "Ｋ80.1",
    "K80",
    "N40X00",
    "G01*",
    "M8140/3",
    "A17.07",
    "",
    "胆囊结石",
    "K80.100X001",
    " a01.002 +g01",
]
PREFIXES = ["K80", "K80", "K80.1", "K80.1", "K80.100", "=K80.100", "N40.x", "A01.0", "P07", "C", "=A01.002", "K80.2"]
ASKED = ["T31.1", "C18", "P07", "=U84.300", "K80", "G01"]
OTHERS = [*DIAGNOSES, "T31.100", "U84.300", "A17.07", ""]
OPERATIONS = ["51.2300", "51.2300x001", "51.8803", "51.8801", "99.2503", "81.6200", "33.6x00", "17.98330"]
SPELT = ["51.23", "512300", "51.2300X001", "17.9833", "33.6", "88.7600", "", "胆囊切除"]
WRITTEN = [*OPERATIONS, "51.23", "51.88"]
ATTRIBUTES = ["conservative", "diagnostic", "therapeutic", "intervention", "surgery"]
CODES = ["G1", "G2", "G3", "G4", "G5"]
RULES = sorted(TIE_RULES)
CONDITIONS = (
    Condition(
        name="resistant",
        any=(Either(principal=("K80.1", "A01")), Either(principal=("K80",), other=("=U84.300",))),
    ),
)


class Maker:
    """Makes one scheme and cases for it."""

    def __init__(self, number):
        self.random = Random(number)

    def some(self, values, least=0, most=3):
        """Return a few values, each once."""
        return tuple(self.random.sample(values, self.random.randint(least, min(most, len(values)))))

    def rarely(self, make, otherwise=None, share=0.08):
        """Return what is made, or mostly what stands for nothing."""
        return make() if self.random.random() < share else otherwise

    def one(self, *values):
        """Return one of them."""
        return self.random.choice(values)

    def expression(self, most=2):
        """Return an expression of a few parts."""
        return tuple(self.some(WRITTEN, 1) for _ in range(self.random.randint(0, most)))

    def row(self, number):
        """Return a row that mostly asks for little."""
        return Row(
            group=self.one(*CODES),
            layer=self.one("a", "a", "b"),
            number=number,
            diagnoses=self.some(PREFIXES, 1) if self.random.random() < 0.9 else (),
            any_diagnosis=self.rarely(lambda: self.some(ASKED, 1, 2), ()),
            other_diagnoses=self.rarely(lambda: self.some(ASKED, 1, 2), ()),
            without_diagnoses=self.rarely(lambda: self.some(ASKED, 1, 1), ()),
            condition=self.rarely(lambda: self.one("resistant", "!resistant", "unheard"), "", 0.15),
            main=self.expression(),
            related=self.rarely(self.expression, (), 0.5),
            anywhere=self.random.random() < 0.3,
            any_operations=self.random.random() < 0.1,
            attribute=self.rarely(lambda: self.one(*ATTRIBUTES), None, 0.2),
            sex=self.rarely(lambda: self.one("male", "female")),
            min_age_days=self.rarely(lambda: self.one(0, 29, 365, 6570, 6575)),
            max_age_days=self.rarely(lambda: self.one(28, 6569, 6574)),
            min_weight_g=self.rarely(lambda: self.one(0, 1000), share=0.05),
            max_weight_g=self.rarely(lambda: self.one(999, 2499), share=0.05),
            min_days=self.rarely(lambda: 3),
            max_days=self.rarely(lambda: 10),
        )

    def layer(self, *layers):
        """Return a step over layers."""
        return Step(
            step="layer",
            layers=layers,
            prefer=tuple(self.random.sample(RULES, self.random.randint(0, 4))),
            require=self.rarely(lambda: self.some(["no_unused_surgery", "attribute_equals_case"], 1), ()),
            related=self.one("complete", "partial", "ignored"),
            operation_match=self.one("equal", "prefix"),
        )

    def steps(self):
        """Return the order that directories have; sometimes an odd one."""
        steps = [
            Step(step="principal"),
            Step(step="operations"),
            self.layer("a"),
            self.layer("b"),
            Step(step="comprehensive"),
            Step(step="last_resort"),
        ]
        if self.random.random() < 0.2:
            steps[2:4] = [self.layer("b", "a")]
        if self.random.random() < 0.2:
            steps = self.random.sample(steps, self.random.randint(1, len(steps)))
        return tuple(steps)

    def exclusions(self):
        """Return an exclusion list."""
        return tuple(
            Exclusion(
                code=code,
                effect=self.one("removed", "conservative", "not_main", "within_scope"),
                scope=self.some(PREFIXES, 0, 2),
            )
            for code in self.some(OPERATIONS, 0, 2)
        )

    def normalisation(self):
        """Return how codes are brought into the catalogue's terms."""
        return Normalisation(
            diagnosis_map=self.one({}, {}, {"K80.201": "K80.100"}),
            operation_map=self.one({}, {}, {"99.2503": "51.8801"}),
            excluded_principal=self.one((), ("Z51.100",), ("K80.100",)),
            excluded_match=self.one("equal", "prefix"),
            exclusions=self.exclusions(),
            limits=self.one((), (), (Limit(code="N40", sex="male"), Limit(code="K80.2", sex="female"))),
            whole_table=self.random.random() < 0.1,
            categories=self.one((), (), ("K80-K83", "N40", "P00-P09")),
            unknown_operation=self.one("conservative", "undecided"),
        )

    def operations(self):
        """Return an operation table that knows most codes, and families."""
        return tuple(
            OperationEntry(
                code=code,
                attribute=self.one(None, *ATTRIBUTES, "surgery"),
                level=self.one(None, 1, 2, 3, 4),
                incision=self.one(None, 0, 0, 1),
            )
            for code in self.some([*OPERATIONS, "51.*", "51.2*"], 0, 10)
        )

    def comprehensive(self):
        """Return a comprehensive directory."""
        keys = ("K80", "K80", "K8", "K", "K80.1", "A00-B99", "K00-K99", "K70-K89", "A")
        attributes = (*ATTRIBUTES, "conservative", "surgery:3|4", "surgery:1|2", "surgery:2")
        return Comprehensive(
            key_lengths=self.one((3, 2, 1), (3,), (5, 3)),
            attribute_of=self.one("highest", "main"),
            intervention_as=self.one("surgery", "therapeutic"),
            minor_is_conservative=self.random.random() < 0.3,
            rows=tuple(
                ComprehensiveRow(group=self.one("Z1", "Z2", "Z3"), key=self.one(*keys), attribute=self.one(*attributes))
                for _ in range(self.random.randint(0, 8))
            ),
            template=self.one("", "", "{category}-{number}"),
            numbers={"conservative": "1", "diagnostic": "2", "surgery": "4"},
        )

    def scheme(self):
        """Return a scheme; the last group code has no group of its own."""
        last = (LastResort(group="BK", key="K"), LastResort(group="B", key="*"))
        return Scheme(
            name="made",
            version="1",
            title="生成方案",
            partial=self.random.random() < 0.5,
            normalisation=self.normalisation(),
            steps=self.steps(),
            groups=tuple(
                Group(
                    code=code,
                    kind=self.one("core", "core", "primary_care", "tcm", "bed_day"),
                    score=self.one(None, Decimal(0), Decimal(100), Decimal("200.5")),
                    mean_cost=self.one(None, 0, 10_000, 20_000),
                )
                for code in CODES[:4]
            ),
            rows=tuple(self.row(number) for number in range(self.random.randint(0, 14))),
            conditions=CONDITIONS,
            operations=self.operations(),
            diagnoses=tuple(DiagnosisEntry(code=code) for code in self.some(DIAGNOSES, 0, 9)),
            comprehensive=self.comprehensive(),
            last_resort=self.one((), last[1:], last),
        )

    def case(self):
        """Return a case; some of its codes are badly spelt."""
        operations = [
            self.one(*SPELT) if self.random.random() < 0.15 else self.one(*OPERATIONS)
            for _ in range(self.random.randint(0, 5))
        ]
        return Case(
            principal=self.one(*SENT) if self.random.random() < 0.15 else self.one(*DIAGNOSES[:3], *DIAGNOSES),
            others=tuple(self.one(*OTHERS) for _ in range(self.random.randint(0, 4))),
            operations=tuple(operations),
            sex=self.one(None, "male", "female", "male"),
            age_years=self.one(None, -1, 0, 1, 17, 18, 50, 50),
            age_days=self.one(None, None, None, -3, 0, 28, 29, 400),
            weight_g=self.one(None, 0, 800, 1500, 5000),
            days=self.one(None, -1, 0, 3, 5, 11),
            cost=self.one(None, 0, 12_000, 15_000),
        )


def made(number, cases=8):
    """Return the scheme of a number, and cases."""
    maker = Maker(number)
    return maker.scheme(), [maker.case() for _ in range(cases)]

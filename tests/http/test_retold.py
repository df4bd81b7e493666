"""One use told as an order, as its charge and on the bill: nobody is warned of that, but of a real excess at once."""

import pytest

from tests.http import test_lines
from tests.http.test_lines import STATIN, excess, order, statuses, told
from tests.http.test_native import post
from tests.http.test_recorded import eventually

hospital = test_lines.hospital
STAY = {"id": "ZY1", "type": "inpatient", "medical_type": "21", "insurance": "310", "admitted": "2026-03-16 09:00:00"}


def stay(scene, *lines):
    return {**order("ZY1", ""), "scenes": [scene], "visit": STAY, "lines": list(lines)}


def written(line_id, boxes, begin, **others):
    """An order: it says how the drug is taken."""
    taken = {"dose": 20, "dose_unit": "mg", "frequency": "qd", "route": "口服"}
    return {**STATIN, "id": line_id, "quantity": boxes, "amount": 20 * boxes, "begin": begin, **taken, **others}


def charged(line_id, boxes, begin, **others):
    """A charge, which has an id and a time of its own."""
    return {**STATIN, "id": line_id, "quantity": boxes, "amount": 20 * boxes, "begin": begin, **others}


@pytest.mark.db
def test_a_stay_of_orders_charges_and_a_bill(hospital, database_url):
    """Five boxes are the limit, and five are used, though the record is told of ten."""

    def saved(body):
        """Check, confirm, and wait until all that was told is there."""
        answer = post(hospital, body).json()
        told(hospital, "confirm", {"verdict": answer["id"]})
        ids = {line["id"] for line in body["lines"]}
        eventually(lambda: ids <= {line for line, status in statuses(database_url) if status == "saved"})
        return excess(answer)

    first, charge = written("O1", 3, "2026-03-17 08:00:00"), charged("F1", 3, "2026-03-17 10:30:00")
    assert saved(stay("4", first)) is None
    assert saved(stay("5", charge)) is None
    second, later = written("O2", 2, "2026-03-18 08:00:00"), charged("F2", 2, "2026-03-18 09:00:00")
    past = {**charge, "current": False}
    assert saved(stay("4", second, past)) is None
    assert saved(stay("5", later, past)) is None
    assert excess(post(hospital, stay("9", charge, later)).json()) is None

    bare = [{**line, "current": False, "id": None} for line in (charge, later)]
    third = written("O3", 1, "2026-03-18 09:10:00")
    for history in ([], bare):
        assert "已开 5 盒" in excess(post(hospital, stay("4", third, *history)).json())["message"]
    assert "已开 5 盒" in excess(post(hospital, order("MZ2", "rx1")).json())["message"]

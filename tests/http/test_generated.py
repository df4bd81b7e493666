"""No message, however odd, gives a 5xx, a hang or an empty answer: generated ones through the whole application."""

import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.schemas.native import LineIn
from tests.dialects.test_national_properties import CODES, NUMBERS, TIMES, bodies

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
ITEMS = [
    "001109000010000",
    "001103000010000",
    "XG04CBD247E002010101503",
    "ZA12HAY0759010106725",
    "002503020030000",
    "本地1",
]


def with_items(body, seed):
    """Give the orders of a generated message codes that the starter pack has rules about."""
    chance = random.Random(seed)
    for sent in (b'"hilist_code":"1"', b'"hilist_code":1', b'"hilist_code":"0"', b'"hilist_code":"2"'):
        body = body.replace(sent, f'"hilist_code":"{chance.choice(ITEMS)}"'.encode())
    return body


@MANY
@given(body=bodies("3101", "3102", "3103"), seed=st.integers(0, 1000))
def test_no_national_message_gives_a_5xx(client, body, seed):
    """Always HTTP 200 with infcode 0 and a result list, or -1 and a text (decision 4)."""
    reply = client.post("/national", content=with_items(body, seed), headers={"content-type": "application/json"})

    assert 200 == reply.status_code
    answer = reply.json()
    if answer["infcode"] == 0:
        assert answer["err_msg"] is None
    else:
        assert (-1, None) == (answer["infcode"], answer["output"])
        assert answer["err_msg"]


ODD = st.sampled_from([*CODES, *NUMBERS, *TIMES, True, [], {}])
OTHERS = [name for name in LineIn.model_fields if name != "item"]
LINES = st.fixed_dictionaries({"item": st.sampled_from(ITEMS)}, optional=dict.fromkeys(OTHERS, ODD))


@MANY
@given(lines=st.lists(LINES, max_size=5), patient=st.one_of(ODD, st.fixed_dictionaries({}, optional={"sex": ODD})))
def test_no_native_message_gives_a_5xx(client, lines, patient):
    """Answered, or refused with every fault named."""
    body = json.dumps({"lines": lines, "patient": patient})
    reply = client.post("/v1/checks", content=body, headers={"content-type": "application/json"})

    assert reply.status_code in {200, 400, 422}
    if reply.status_code == 422:
        assert reply.json()["faults"]

#!/usr/bin/env python3
"""A batch program in Python that knows nothing of Rollcall but a few lines to print.

    ./rollcall exec --job score_leads -- python3 examples/score-leads.py
"""

import sys

LEADS = {"acme": [3, 4, 3], "globex": [], "initech": [20, None], "hooli": [5]}


def tell(line: str) -> None:
    # Into a pipe Python prints in blocks: without flush the line comes late.
    print(f"::rollcall {line}", flush=True)


def score(client: str, leads: list) -> None:
    tell(f"client start id={client}")
    if not leads:
        tell(f'client end id={client} status=nothing_to_do reason="no new leads"')
        return
    for number in leads:
        if number is None:
            tell(f'client end id={client} status=failed reason="a lead without a number"')
            return
        print(f"{client}: {number} leads")
        tell(f'metric name="Leads Processed" value={number} unit={{lead}} client={client}')
    tell(f"client end id={client}")


tell("expect " + " ".join([*LEADS, "umbrella"]))
for done, (client, leads) in enumerate(LEADS.items(), start=1):
    score(client, leads)
    tell(f"progress done={done} total={len(LEADS)}")
sys.exit(0)

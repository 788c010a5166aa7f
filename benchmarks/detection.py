"""What the product finds, how soon, and how often it is wrong, beside peers on the same windows.

Judged by false alarms a device-day and by what was missed. Learns on benign traffic before the traffic it is judged on; thresholds
are those shipped. Attacks that are real, spliced and synthetic stand in tables of their own.

    python benchmarks/detection.py [--quick] [--only WORD] [--no-peers] [--json]

Needs the development data (``HAUBERK_TEST_DATA``); peers come with the dependency group ``bench``. What is missing is left out and
said.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from detection_peers import PEERS, Scored, score
from detection_scenarios import SCENARIOS
from detection_sources import Shelf, data_folder
from detection_stage import Outcome, Scenario, run
from detection_tables import (
    TABLES,
    attack_records,
    false_alarm_records,
    peer_records,
    print_attacks,
    print_false_alarms,
    print_peers,
    print_totals,
    totals,
)

NEEDED = ("pyod", "river")


def missing(scenario: Scenario, shelf: Shelf) -> str:
    """Why a scenario cannot be run; empty where it can."""
    if scenario.skip:
        return scenario.skip
    absent = [name for name in scenario.needs if not shelf.path(name).is_file()]
    return f"{', '.join(absent)} not in {shelf.folder}" if absent else ""


def execute(
    scenarios: Sequence[Scenario], shelf: Shelf, *, peers: bool
) -> tuple[list[tuple[Scenario, list[Outcome]]], dict[str, list[tuple[Scenario, Outcome, Sequence[Scored]]]]]:
    """Run ``scenarios``: what the product gave, and the windows as each peer judges them."""
    results: list[tuple[Scenario, list[Outcome]]] = []
    judged: dict[str, list[tuple[Scenario, Outcome, Sequence[Scored]]]] = {peer: [] for peer in PEERS} if peers else {}
    for scenario in scenarios:
        if reason := missing(scenario, shelf):
            print(f"left out: {scenario.table}, {scenario.name}: {reason}", file=sys.stderr)
            continue
        began = time.process_time()
        outcomes = [run(stage, peers=peers) for stage in scenario.build(shelf)]
        ours = time.process_time() - began
        for peer, kind in PEERS.items() if peers else ():
            for outcome in outcomes:
                assert outcome.windows is not None
                judged[peer].append((scenario, outcome, score(kind, outcome.windows, outcome.stage.learn_until)))
        for outcome in outcomes:
            outcome.windows = None
        results.append((scenario, outcomes))
        theirs = time.process_time() - began - ours
        print(f"{scenario.table}, {scenario.name}: {ours:.1f} s CPU, peers {theirs:.1f} s", file=sys.stderr)
    return results, judged


def main() -> None:
    """Run what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description="Attacks found, seconds to alarm, false alarms a device-day; beside peers.")
    parser.add_argument("--quick", action="store_true", help="a part of the scenarios, in under a minute")
    parser.add_argument("--only", default="", metavar="WORD", help="scenarios whose table or name holds it")
    parser.add_argument("--no-peers", action="store_true", help="the product alone")
    parser.add_argument("--json", action="store_true", help="one record a line in the place of tables")
    arguments = parser.parse_args()
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent and not arguments.no_peers:
        print(f"left out: peers, for want of {', '.join(absent)} (uv sync --group bench)", file=sys.stderr)
    peers = not arguments.no_peers and not absent
    chosen = [
        scenario
        for scenario in SCENARIOS
        if (scenario.quick or not arguments.quick) and arguments.only.lower() in f"{scenario.table} {scenario.name}".lower()
    ]
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        if peers:
            warnings.filterwarnings("ignore", module="sklearn|pyod|river")  # peers warn of metrics that never move
        results, judged = execute(chosen, Shelf(data_folder(), Path(scratch)), peers=peers)
    if arguments.json:
        records = [("attack", attack_records(results)), ("total", totals(results)), ("false_alarms", false_alarm_records(results))]
        if peers:
            records.append(("peer", peer_records(results, judged)))
        for kind, rows in records:
            for row in rows:
                print(json.dumps({"record": kind, **row}))
        return
    for name in TABLES:
        if any(scenario.table == name for scenario, _ in results):
            print_attacks(results, name)
    print_totals(results)
    print_false_alarms(results)
    if peers:
        print_peers(results, judged)


if __name__ == "__main__":
    main()

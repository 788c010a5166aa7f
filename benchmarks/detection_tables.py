"""The tables of the detection benchmark, as Markdown, and the same as records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from detection_peers import PEERS, Scored, false_alarms, found, threshold_for
from detection_score import Attack, Rate, Verdict, quantile, unexplained
from detection_stage import WEAKNESSES, Outcome, Scenario

Record = dict[str, object]
Results = Sequence[tuple[Scenario, Sequence[Outcome]]]
TABLES = ("real", "spliced", "synthetic")


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print one table."""
    print(f"\n### {title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(_cell(value) for value in row) + " |")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return str(value)


def of_table(results: Results, name: str) -> list[tuple[Scenario, Sequence[Outcome]]]:
    """Results of one table."""
    return [(scenario, outcomes) for scenario, outcomes in results if scenario.table == name]


def verdicts(outcomes: Iterable[Outcome]) -> list[Verdict]:
    """What became of every attack of a scenario."""
    return [verdict for outcome in outcomes for verdict in outcome.verdicts()]


def print_attacks(results: Results, name: str) -> None:
    """One row for each attack of a table; attacks of one name in one scenario share a row."""
    rows = []
    for scenario, outcomes in of_table(results, name):
        groups: dict[str, list[Verdict]] = {}
        for verdict in verdicts(outcomes):
            groups.setdefault(verdict.attack.name, []).append(verdict)
        findings = sum(len(outcome.findings) for outcome in outcomes)
        incidents = sum(outcome.incidents for outcome in outcomes)
        stray = sum(len(unexplained(outcome.stage.attacks, outcome.alarms)) for outcome in outcomes)
        for place, (attack, group) in enumerate(groups.items()):
            counts = (findings, incidents, stray) if place == 0 else ("", "", "")
            title = scenario.name if place == 0 else ""
            rows.append([title, scenario.training if place == 0 else "", attack, *_row(group), *counts])
    head = [
        "scenario",
        "learned from",
        "attack",
        "kind",
        "found",
        "left out",
        "s, median",
        "s, worst",
        "s from first message",
        "first detector",
    ]
    table(f"Attacks, {name}", [*head, "suggested", "fits, first", "fits, any", "findings", "incidents", "outside attacks"], rows)


def _row(group: Sequence[Verdict]) -> list[object]:
    judged = [verdict for verdict in group if not verdict.excluded]
    delays = [verdict.delay for verdict in group if verdict.delay is not None]
    first = [verdict.first for verdict in group if verdict.first is not None]
    detectors = Counter(alarm.source for alarm in first)
    suggested = Counter(alarm.techniques[0] for alarm in first if alarm.techniques)
    return [
        _kind(group[0].attack),
        f"{len(first)}/{len(judged)}",
        len(group) - len(judged),
        quantile(delays, 0.5),
        quantile(delays, 1.0),
        quantile([verdict.reaction for verdict in group if verdict.reaction is not None], 0.5),
        _counted(detectors),
        _counted(suggested),
        f"{sum(verdict.named for verdict in group)}/{len(first)}",
        f"{sum(verdict.suggested for verdict in group)}/{len(first)}",
    ]


def _kind(attack: Attack) -> str:
    return attack.kind + (", short" if attack.short else "")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(name if len(counts) == 1 else f"{name} {count}" for name, count in counts.most_common()) or "-"


def totals(results: Results) -> Iterator[Record]:
    """Attacks found by table and kind, and those shorter than ten seconds again by themselves."""
    for name in TABLES:
        everything = [verdict for _, outcomes in of_table(results, name) for verdict in verdicts(outcomes)]
        groups: dict[str, list[Verdict]] = {}
        for verdict in everything:
            groups.setdefault(verdict.attack.kind, []).append(verdict)
        groups["of these short (<10 s)"] = [verdict for verdict in everything if verdict.attack.short]
        groups["all"] = everything
        for kind, group in groups.items():
            if group:
                yield {"table": name, "kind": kind, **_total(group)}


def _total(group: Sequence[Verdict]) -> Record:
    judged = [verdict for verdict in group if not verdict.excluded]
    delays = [verdict.delay for verdict in group if verdict.delay is not None]
    return {
        "attacks": len(group),
        "left_out": len(group) - len(judged),
        "found": len(delays),
        "rate": len(delays) / len(judged) if judged else None,
        "median_s": quantile(delays, 0.5),
        "p95_s": quantile(delays, 0.95),
        "technique_first": sum(verdict.named for verdict in group),
        "technique_any": sum(verdict.suggested for verdict in group),
    }


def print_totals(results: Results) -> None:
    """Print ``totals``."""
    records = list(totals(results))
    if records:
        table("Attacks found, by table and kind", list(records[0]), [list(record.values()) for record in records])


def alerts(outcome: Outcome) -> Mapping[str, int]:
    """False alarms of a benign stage by device; those about no device stand under an empty name."""
    return Counter(finding.device or "" for finding in outcome.findings)


def benign_rate(outcomes: Iterable[Outcome]) -> Rate:
    """False alarms of benign stages over their active device-days."""
    found_by = [Rate.of(alerts(outcome), outcome.device_days) for outcome in outcomes]
    return Rate(sum(rate.alarms for rate in found_by), sum(rate.device_days for rate in found_by))


def false_alarm_records(results: Results) -> Iterator[Record]:
    """False alarms by scenario, then by group, then of everything benign."""
    benign = of_table(results, "benign")
    for scenario, outcomes in benign:
        yield {"what": scenario.name, "learned from": scenario.training, **_rates(outcomes)}
    for group, title in (("home", "all homes"), ("bench", "all benches of regular senders")):
        chosen = [outcome for scenario, outcomes in benign if scenario.group == group for outcome in outcomes]
        if chosen:
            yield {"what": title, "learned from": "", **_rates(chosen)}


def _rates(outcomes: Sequence[Outcome]) -> Record:
    rate = benign_rate(outcomes)
    days = rate.device_days
    grouped = Rate(sum(outcome.incidents for outcome in outcomes), days)
    return {
        "devices": sum(len(outcome.device_days) for outcome in outcomes),
        "active device-days": days,
        "findings": rate.alarms,
        "of these standing weaknesses": sum(f.detector in WEAKNESSES for o in outcomes for f in o.findings),
        "a device-day": rate.rate,
        "95 % bound": rate.bound,
        "incidents": grouped.alarms,
        "incidents a device-day": grouped.rate,
        "95 % bound, incidents": grouped.bound,
    }


def print_false_alarms(results: Results) -> None:
    """Print false alarms: by scenario and group, by device, by detector, and each of them."""
    records = list(false_alarm_records(results))
    if not records:
        return
    table("False alarms on benign traffic, after learning", list(records[0]), [list(record.values()) for record in records])
    benign = of_table(results, "benign")
    rows = []
    for scenario, outcomes in benign:
        for outcome in outcomes:
            counts = alerts(outcome)
            for device in sorted({*outcome.device_days, *counts}):
                days, bad = outcome.device_days.get(device, 0.0), counts.get(device, 0)
                rows.append([scenario.name, device or "no device", days, bad])
    table("The same by device", ["scenario", "device", "active days", "findings"], rows)
    every = [(scenario, finding) for scenario, outcomes in benign for outcome in outcomes for finding in outcome.findings]
    by_detector = Counter((finding.detector, finding.severity.name.lower()) for _, finding in every)
    table("The same by detector", ["detector", "severity", "findings"], [[*key, count] for key, count in by_detector.most_common()])
    said = [[s.name, f.detector, f.severity.name.lower(), f.device, " ".join(f.reasons)] for s, f in every]
    table("Each of them", ["scenario", "detector", "severity", "device", "reasons"], said)


Judged = Mapping[str, Sequence[tuple[Scenario, Outcome, Sequence[Scored]]]]


def peer_records(results: Results, judged: Judged) -> Iterator[Record]:
    """The product and each peer: false alarms a device-day, and attacks found by table, at the threshold that the peer's learning
    gives and at the lowest that makes no more false alarms than the product."""
    rate = benign_rate([outcome for _, outcomes in of_table(results, "benign") for outcome in outcomes])
    ours: Record = {"who": "Hauberk", "threshold": "as shipped", "false alarms": rate.alarms, "a device-day": rate.rate}
    for name in TABLES:
        group = [verdict for _, outcomes in of_table(results, name) for verdict in verdicts(outcomes)]
        ours[name] = _found(len(group), sum(v.found for v in group), sum(v.excluded for v in group))
    yield ours
    for peer in PEERS:
        stages = judged.get(peer, ())
        benign = [scored for scenario, _, scored in stages if scenario.table == "benign"]
        for said, threshold in (("of its learning", 0.0), ("of as few false alarms", threshold_for(benign, rate.alarms))):
            wrong = sum(false_alarms(scored, threshold) for scored in benign)
            record: Record = {"who": peer, "threshold": f"{said} (+{threshold:.3g})", "false alarms": wrong}
            record["a device-day"] = Rate(wrong, rate.device_days).rate
            for name in TABLES:
                chosen = [(outcome.stage.attacks, scored) for scenario, outcome, scored in stages if scenario.table == name]
                counted = found(chosen, threshold)
                record[name] = _found(counted.attacks, counted.found, counted.excluded)
            yield record


def _found(attacks: int, found_count: int, excluded: int) -> str:
    return f"{found_count}/{attacks}" + (f" ({excluded} left out)" if excluded else "") if attacks else "-"


def print_peers(results: Results, judged: Judged) -> None:
    """Print ``peer_records``."""
    records = list(peer_records(results, judged))
    table("Beside the peers, same windows", list(records[0]), [list(record.values()) for record in records])


def attack_records(results: Results) -> Iterator[Record]:
    """Every attack by itself."""
    for scenario, outcomes in results:
        for verdict in verdicts(outcomes):
            yield {
                "table": scenario.table,
                "scenario": scenario.name,
                "learned_from": scenario.training,
                "attack": verdict.attack.name,
                "kind": verdict.attack.kind,
                "short": verdict.attack.short,
                "onset": verdict.attack.onset,
                "end": verdict.attack.end,
                "found": verdict.found,
                "left_out": verdict.excluded,
                "seconds": verdict.delay,
                "seconds_from_first_message": verdict.reaction,
                "detector": verdict.first.source if verdict.first else None,
                "technique": verdict.first.techniques[0] if verdict.first and verdict.first.techniques else None,
                "technique_fits": verdict.named,
                "technique_fits_any": verdict.suggested,
                "alarms": len(verdict.alarms),
            }

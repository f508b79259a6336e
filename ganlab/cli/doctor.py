"""`ganlab doctor`: checks this machine's versions, devices, data, weights and results."""

from dataclasses import asdict
from pathlib import Path

import click

from ganlab.cli.output import json_option, print_json, results_option


@click.command("doctor")
@results_option
@json_option
def command(results: Path, as_json: bool) -> None:
    """Check this machine: versions, devices, data sets, weights, folders.

    A small GAN trains for a few steps on every device of each installed backend. Its losses must be those of the CPU. Each
    finding is a line with advice. The exit code is 1 if one failed.
    """
    from ganlab.doctor.diagnosis import diagnose
    from ganlab.errors import GanlabError
    from ganlab.reports.table import printable

    findings = []
    for finding in diagnose(results):
        findings.append(finding)
        if not as_json:
            click.echo(printable(finding.line()))
    if as_json:
        print_json({"format": 1, "findings": [asdict(finding) for finding in findings]})
    failed = [finding for finding in findings if finding.state == "failed"]
    if failed:
        raise GanlabError(f"{len(failed)} of {len(findings)} checks failed; the first: {failed[0].subject}")

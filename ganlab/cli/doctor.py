"""`ganlab doctor`: checks this machine's versions, devices, data, weights and results."""

from dataclasses import asdict

import click

from ganlab.cli.output import json_option, print_json, results_option


@click.command("doctor")
@results_option
@json_option
def command(results, as_json):
    """Check this machine: versions, devices, data sets, weights, folders.

    On each installed backend, in a process of its own, a small GAN is trained for a few steps on every device: its losses must
    be those of the CPU. A line a finding, with what to do; exit code 1 if one failed.
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

"""`ganlab schema`: prints the config language for editors."""

from pathlib import Path
from typing import Any

import click

from ganlab.cli.output import UserPath, print_json, write_file


@click.command("schema")
@click.argument("file", type=click.Choice(["config", "study", "report"]), default="config")
@click.option("--out", type=UserPath(dir_okay=False), help="Write to this file.")
def command(file: str, out: Path | None) -> None:
    """Print the JSON Schema of config files, or of study.yaml or report.yaml, for editors.

    It has every key with a description, and the names of layers, arguments, optimizers, losses, metrics and data sets. An editor
    finds it by a line in the YAML file: `# yaml-language-server: $schema=PATH`.
    """
    from ganlab.reports.table import to_json

    schema = SCHEMAS[file]()
    if out is None:
        print_json(schema)
    else:
        write_file(out, to_json(schema))


def _config() -> dict[str, Any]:
    from ganlab.config.json_schema import config_json_schema
    from ganlab.data.prepared import prepared_names
    from ganlab.data.registry import DATASETS
    from ganlab.metrics.names import NAMES

    return config_json_schema(dict.fromkeys([*DATASETS, *prepared_names()]), NAMES)


def _study() -> dict[str, Any]:
    from ganlab.config.descriptions import STUDY
    from ganlab.config.json_schema import file_json_schema
    from ganlab.sweeps.study_file import StudyFile

    return file_json_schema("ganlab study", StudyFile, STUDY)


def _report() -> dict[str, Any]:
    from ganlab.config.descriptions import REPORT
    from ganlab.config.json_schema import file_json_schema
    from ganlab.reports.published import Layout

    schema = file_json_schema("ganlab report", Layout, REPORT)
    schema["$defs"]["Fact"] = {
        "anyOf": [{"type": "string"}, schema["$defs"]["Fact"]]
    }  # a key alone is short for {key: ...}
    return schema


SCHEMAS = {"config": _config, "study": _study, "report": _report}

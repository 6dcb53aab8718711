"""The documents that come from code, and whether those in the checkout are fresh."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from assay.settings import Settings, project_root

_SHELL_OPTIONS = ("help", "install_completion", "show_completion")


def generate(root_command: Any, *, check: bool) -> list[str]:
    """Write every generated document that differs from its code (or, with `check`, only name it).

    `root_command`: the whole command line, whose help is one of the documents.
    Returns the paths, relative to the checkout, that were stale.
    """
    root = project_root()
    stale = []
    for path, text in sorted(_documents(root_command).items()):
        target = root / path
        if target.is_file() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return stale


def _documents(root_command: Any) -> Mapping[str, str]:
    from assay.check.document import rules_markdown
    from assay.database.document import database_markdown
    from assay.dataset.describe import with_documents
    from assay.dataset.migrations.guide import guide_files
    from assay.dataset.schema import schema_files
    from assay.serve.document import ingest_openapi_json, openapi_json

    page = (project_root() / "docs/dataset.md").read_text(encoding="utf-8")
    single: dict[str, Callable[[], str]] = {
        "docs/rules.md": rules_markdown,
        "docs/database.md": database_markdown,
        "docs/settings.md": settings_markdown,
        "docs/cli.md": lambda: command_line_markdown(root_command),
        "docs/dags.md": _dags_markdown,
        "docs/dataset.md": lambda: with_documents(page),
        "docs/openapi.json": openapi_json,
        "docs/ingest-openapi.json": ingest_openapi_json,
    }
    return {path: make() for path, make in single.items()} | schema_files() | guide_files()


def settings_markdown() -> str:
    """Every setting, its environment variable, default and meaning, as a Markdown table."""
    lines = [
        "# Settings",
        "",
        "Generated from `assay.settings` by `make docs`. Every setting is an environment variable; with none set, all is local.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "`var/` in the checkout" if name == "home" else "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `ASSAY_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def command_line_markdown(root_command: Any) -> str:
    """The help of every command, as Markdown."""
    lines = ["# Command line", "", "Generated from the commands' own help by `make docs`.", ""]

    _describe(lines, root_command, "assay")
    return "\n".join(lines).rstrip() + "\n"


def _describe(lines: list[str], command: Any, path: str) -> None:
    help_text = "\n\n".join(filter(None, ((command.help or "").strip(), (command.epilog or "").strip())))
    lines.extend([f"## `{path}`", "", "\n".join(line.strip() for line in help_text.splitlines()), ""])
    parameters = [parameter for parameter in command.params if parameter.name not in _SHELL_OPTIONS]
    if parameters:
        lines.extend(["| option | meaning |", "|---|---|"])
        for parameter in parameters:
            shown = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
            lines.append(f"| `{shown}` | {getattr(parameter, 'help', '') or ''} |")
        lines.append("")
    for name, child in sorted(getattr(command, "commands", {}).items()):
        _describe(lines, child, f"{path} {name}")


def _dags_markdown() -> str:
    # In a process of its own: importing Airflow changes logging and needs a home of its own.
    done = subprocess.run([sys.executable, "-m", "assay.orchestration.document"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"assay.orchestration.document failed:\n{done.stderr[-2000:]}")
    return done.stdout

"""The environment that a local Airflow runs in: pure functions from settings to variables.

The keys are Airflow's own configuration options (`AIRFLOW__<SECTION>__<OPTION>`); nothing is read from an `airflow.cfg`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

import assay
from assay.errors import AssayError
from assay.settings import Settings, project_root

MARK = "ASSAY_STACK"
"""Variable that marks every process of a local stack with the folder it belongs to."""

SLOTS = 4
"""Slots of the default pool, and worker processes. A worker is held for seconds after its task has ended, so two are too few."""

_OWN = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1: the UI with its API, and the server that shows the logs of running tasks."""

    api: int
    logs: int


@dataclass(frozen=True)
class Secrets:
    """What Airflow encrypts and signs with; made once for a home."""

    fernet_key: str
    jwt_secret: str
    secret_key: str


def airflow_home(home: Path) -> Path:
    """The folder below an Assay home that holds Airflow's logs and state."""
    return home / "airflow"


def settings_environment(settings: Settings) -> dict[str, str]:
    """The settings as the `ASSAY_` variables that give them again in another process."""
    variables = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is not None:
            variables[f"ASSAY_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return variables


def process_environment(inherited: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """What every process of the stack starts with: the caller's environment less another Airflow's, and our settings.

    `AIRFLOW_CONN_` and `AIRFLOW_VAR_` variables stay: they are how connections are given to a local run.
    """
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(("AIRFLOW_", "_AIRFLOW_", "ASSAY_")) or name.startswith(_OWN)
    }
    package = str(Path(assay.__file__).resolve().parents[1])
    kept["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([package, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]))
    for name in ("NO_PROXY", "no_proxy"):  # the parts of the stack talk to each other, never through a proxy
        kept[name] = ",".join(dict.fromkeys([*filter(None, kept.get(name, "").split(",")), "127.0.0.1", "localhost"]))
    return kept | settings_environment(settings) | {MARK: str(settings.home), "AIRFLOW_HOME": str(airflow_home(settings.home))}


def airflow_environment(
    settings: Settings, *, airflow_url: str, assay_url: str, ports: Ports, secrets: Secrets
) -> dict[str, str]:
    """Airflow's configuration and where its tasks find Assay's database.

    `airflow_url`, `assay_url`: SQLAlchemy URLs of the two databases. Raises AssayError if there is no folder with the DAG files.
    """
    root = project_root()
    dags = root / "dags"
    if not dags.is_dir():
        raise AssayError(f"{dags}: no such folder; `assay run` and `assay up` need a checkout of the repository, run them there")
    home = airflow_home(settings.home)
    base_url = f"http://127.0.0.1:{ports.api}"
    options: dict[tuple[str, str], object] = {
        ("core", "dags_folder"): dags,
        ("core", "plugins_folder"): root / "plugins",
        ("core", "executor"): "LocalExecutor",
        ("core", "parallelism"): SLOTS,
        ("core", "default_pool_task_slot_count"): SLOTS,
        ("core", "load_examples"): False,
        ("core", "dags_are_paused_at_creation"): False,
        ("core", "fernet_key"): secrets.fernet_key,
        ("core", "simple_auth_manager_all_admins"): True,
        ("core", "execution_api_server_url"): f"{base_url}/execution/",
        ("core", "hostname_callable"): "assay.orchestration.environment.hostname",
        ("api", "host"): "127.0.0.1",
        ("api", "port"): ports.api,
        ("api", "base_url"): base_url,
        ("api", "workers"): 1,
        ("api", "secret_key"): secrets.secret_key,
        ("api", "instance_name"): "Assay",
        ("api_auth", "jwt_secret"): secrets.jwt_secret,
        ("database", "sql_alchemy_conn"): airflow_url,
        ("database", "check_migrations"): False,  # the supervisor migrates while the API server is still importing
        ("scheduler", "scheduler_idle_sleep_time"): 0.5,
        ("dag_processor", "parsing_processes"): 1,
        (
            "core",
            "dagbag_import_timeout",
        ): 120,  # a busy machine may not get it done in Airflow's 30 s and 50 s
        ("dag_processor", "dag_file_processor_timeout"): 180,
        ("dag_processor", "min_file_process_interval"): 60,
        ("logging", "base_log_folder"): home / "logs",
        ("logging", "dag_processor_child_process_log_directory"): home / "logs" / "dag_processor",
        ("logging", "worker_log_server_port"): ports.logs,
        ("logging", "trigger_log_server_port"): ports.logs,
        ("logging", "colored_console_log"): False,
    }
    variables = {f"AIRFLOW__{section.upper()}__{option.upper()}": str(value) for (section, option), value in options.items()}
    if settings.database_url is None:
        variables["ASSAY_DATABASE_URL"] = assay_url
    return variables


def hostname() -> str:
    """The name under which the parts of a local Airflow find each other, and all that its records say of this machine."""
    return "localhost"

"""The environment of the local Airflow: complete, closed to another Airflow's settings, and made of options that exist."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from assay.orchestration import environment
from assay.orchestration.environment import (
    MARK,
    Ports,
    Secrets,
    airflow_environment,
    process_environment,
    settings_environment,
)
from assay.settings import Settings
from hypothesis import given
from hypothesis import strategies as st

SECRETS = Secrets("fernet", "jwt", "key")
PORTS = Ports(api=8080, logs=8793)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def made(settings: Settings) -> dict[str, str]:
    urls = {"airflow_url": "postgresql+psycopg2:///airflow", "assay_url": "postgresql+psycopg2:///assay"}
    return airflow_environment(settings, **urls, ports=PORTS, secrets=SECRETS)


@given(
    folder=st.text("abc é$%", min_size=1, max_size=10),
    licence=TEXTS,
    attribution=TEXTS,
    url=st.none() | TEXTS,
    sessions=st.integers(1, 100),
    tolerance=st.integers(0, 10**6),
)
def test_any_settings_survive_the_way_through_the_environment(
    folder: str, licence: str, attribution: str, url: str | None, sessions: int, tolerance: int
) -> None:
    settings = Settings(
        home=Path("/") / folder,
        licence=licence,
        attribution=attribution,
        database_url=url,
        host_sessions=sessions,
        clock_tolerance_seconds=tolerance,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ASSAY_")]:
            patch.delenv(name)
        for name, value in settings_environment(settings).items():
            patch.setenv(name, value)
        assert Settings() == settings


def test_every_option_is_one_of_the_installed_airflow(settings: Settings) -> None:
    spec = find_spec("airflow")
    assert spec is not None
    assert spec.origin is not None
    config = yaml.safe_load((Path(spec.origin).parent / "config_templates" / "config.yml").read_text())
    known = {f"AIRFLOW__{section.upper()}__{name.upper()}" for section, body in config.items() for name in body["options"]}
    assert {name for name in made(settings) if name.startswith("AIRFLOW__")} <= known


def test_everything_listens_on_this_machine_only_and_the_parts_agree_on_the_port(settings: Settings) -> None:
    variables = made(settings)
    assert variables["AIRFLOW__API__HOST"] == "127.0.0.1"
    for name in ("AIRFLOW__API__BASE_URL", "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"):
        assert urlsplit(variables[name]).netloc == f"127.0.0.1:{variables['AIRFLOW__API__PORT']}"
    assert variables["AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"] == str(PORTS.logs)
    assert variables["AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT"] == str(PORTS.logs)


def test_the_folders_named_are_those_of_the_checkout(settings: Settings) -> None:
    variables = made(settings)
    assert (Path(variables["AIRFLOW__CORE__DAGS_FOLDER"]) / "process_sessions.py").is_file()
    assert Path(variables["AIRFLOW__CORE__PLUGINS_FOLDER"]).is_dir()
    assert settings.home in Path(variables["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]).parents


def test_the_pool_has_a_slot_for_every_worker(settings: Settings) -> None:
    variables = made(settings)
    assert variables["AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT"] == variables["AIRFLOW__CORE__PARALLELISM"]


def test_a_configured_database_is_used_instead_of_the_embedded_one(tmp_path: Path) -> None:
    assert made(Settings(home=tmp_path))["ASSAY_DATABASE_URL"] == "postgresql+psycopg2:///assay"
    configured = Settings(home=tmp_path, database_url="postgresql+psycopg2://elsewhere/db")
    assert "ASSAY_DATABASE_URL" not in made(configured)
    assert process_environment({}, configured)["ASSAY_DATABASE_URL"] == "postgresql+psycopg2://elsewhere/db"


def test_another_airflow_of_the_caller_does_not_leak_in_but_connections_do(settings: Settings) -> None:
    inherited = {
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__CORE__DAGS_FOLDER": "/elsewhere/dags",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
        "AIRFLOW_VAR_X": "1",
        "ASSAY_LICENCE": "of another",
        "PATH": "/bin",
    }
    found = process_environment(inherited, settings)
    assert found["AIRFLOW_HOME"] == str(settings.home / "airflow")
    assert "AIRFLOW__CORE__DAGS_FOLDER" not in found
    assert found["AIRFLOW_CONN_AWS_DEFAULT"] == "aws://"
    assert found["AIRFLOW_VAR_X"] == "1"
    assert found["ASSAY_LICENCE"] == settings.licence
    assert found["PATH"] == "/bin"
    assert found[MARK] == str(settings.home)


def test_tasks_find_this_package_before_any_other(settings: Settings) -> None:
    package = str(Path(environment.__file__).parents[2])
    found = process_environment({"PYTHONPATH": f"/other{os.pathsep}{package}"}, settings)
    assert found["PYTHONPATH"].split(os.pathsep) == [package, "/other"]


def test_the_parts_never_talk_through_a_proxy(settings: Settings) -> None:
    found = process_environment({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "intranet"}, settings)
    assert found["NO_PROXY"].split(",") == ["intranet", "127.0.0.1", "localhost"]
    assert found["no_proxy"].split(",") == ["127.0.0.1", "localhost"]


@pytest.mark.parametrize("module", ["pipeline", "stack", "api", "supervisor", "results", "document"])
def test_what_runs_airflow_from_outside_imports_none_of_it(module: str) -> None:
    check = f"import sys, assay.orchestration.{module}; sys.exit('airflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

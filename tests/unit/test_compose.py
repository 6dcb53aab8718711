"""docker-compose.yaml and Dockerfile: valid by the compose specification, and every name in them exists.

There is no Docker engine where these tests run. The schema below is our own, of the parts of the specification
(https://github.com/compose-spec/compose-spec) that the file uses; whatever else is written into the file fails it.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from assay.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]
TEXT = (CHECKOUT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(set(SERVICES) - {"postgres"})
SECRET = re.compile(r"PASSWORD$|SECRET|FERNET|_KEY$|SQL_ALCHEMY_CONN|DATABASE_URL")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\}")

TEXT_ = {"type": "string"}
SCALAR = {"type": ["string", "number", "boolean", "null"]}
DURATION = {"type": "string", "pattern": r"^(\d+(h|m|s|ms|us))+$"}
NAME = "^[a-zA-Z0-9._-]+$"


def closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def named(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "patternProperties": {NAME: schema}, "additionalProperties": False}


SERVICE = closed(
    {
        "image": TEXT_,
        "build": TEXT_,
        "init": {"type": "boolean"},
        "user": TEXT_,
        "restart": {"type": "string", "pattern": r"^(no|always|on-failure(:\d+)?|unless-stopped)$"},
        "cap_drop": {"type": "array", "items": TEXT_, "uniqueItems": True},
        "security_opt": {"type": "array", "items": TEXT_, "uniqueItems": True},
        "stop_grace_period": DURATION,
        "env_file": {"type": "array", "items": closed({"path": TEXT_, "required": {"type": "boolean"}}, "path")},
        "environment": {
            "type": "object",
            "patternProperties": {"^[A-Z][A-Z0-9_]*$": SCALAR},
            "additionalProperties": False,
        },
        "command": {"type": "array", "items": TEXT_},
        "ports": {
            "type": "array",
            "uniqueItems": True,
            "items": closed(
                {
                    "host_ip": TEXT_,
                    "published": {"type": ["string", "integer"]},
                    "target": {"type": ["integer", "string"]},
                    "protocol": {"enum": ["tcp", "udp"]},
                }
            ),
        },
        "volumes": {
            "type": "array",
            "uniqueItems": True,
            "items": closed({"type": {"enum": ["volume", "bind", "tmpfs"]}, "source": TEXT_, "target": TEXT_}, "type"),
        },
        "configs": {"type": "array", "items": closed({"source": TEXT_, "target": TEXT_})},
        "depends_on": named(
            closed(
                {"condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}},
                "condition",
            )
        ),
        "healthcheck": closed(
            {
                "test": {"type": "array", "items": TEXT_, "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}], "minItems": 2},
                "interval": DURATION,
                "timeout": DURATION,
                "start_period": DURATION,
                "retries": {"type": "integer"},
            },
            "test",
        ),
    },
    "image",
)
SCHEMA = {
    **closed(
        {
            "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
            "services": named(SERVICE),
            "configs": named(closed({"content": TEXT_})),
            "volumes": named({"type": "null"}),
        },
        "services",
    ),
    "patternProperties": {"^x-": {}},
}


def airflow_folder() -> Path:
    spec = find_spec("airflow")  # finds it, does not import it
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def airflow_options() -> set[tuple[str, str]]:
    folder = airflow_folder()
    files = [folder / "config_templates" / "config.yml", *folder.glob("providers/**/provider.yaml")]
    options = set()
    for file in files:
        document = yaml.safe_load(file.read_text())
        sections = document.get("config") or {} if file.name == "provider.yaml" else document
        options |= {(section, option) for section, body in sections.items() for option in body["options"]}
    return options


def environment_names() -> set[str]:
    names = {name for service in OURS for name in SERVICES[service].get("environment", {})}
    return names | set(re.findall(r"\b([A-Z][A-Z_]+)=", re.sub(r"RUN .*", "", DOCKERFILE)))


def test_the_file_is_valid_by_the_compose_specification() -> None:
    errors = [f"{list(e.instance_path)}: {e.message}" for e in jsonschema_rs.validator_for(SCHEMA).iter_errors(COMPOSE)]
    assert errors == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"services": {"a": {"image": "x", "restarts": "always"}}},
        {"services": {"a": {"image": "x", "healthcheck": {"test": ["pg_isready"]}}}},
        {"services": {"a": {"image": "x", "depends_on": {"b": {"condition": "healthy"}}}}},
        {"services": {"a": {"image": "x", "stop_grace_period": "60"}}},
        {"services": {"a": {"image": "x", "ports": [{"port": 80}]}}},
        {"volume": {}, "services": {}},
    ],
)
def test_a_mistake_in_the_file_is_seen(wrong: dict[str, Any]) -> None:
    assert not jsonschema_rs.validator_for(SCHEMA).is_valid(wrong)


def test_every_variable_is_written_as_the_specification_says() -> None:
    text = "\n".join(line for line in TEXT.splitlines() if not line.lstrip().startswith("#"))
    assert "$" not in VARIABLE.sub("", text.replace("$$", ""))


def test_every_secret_comes_from_the_environment_and_has_no_default() -> None:
    for service, body in SERVICES.items():
        for name, value in body.get("environment", {}).items():
            if not SECRET.search(name) or name.startswith("AWS_"):
                continue
            found = list(VARIABLE.finditer(str(value)))
            assert found, f"{service}: {name} is written into the file"
            assert all(variable["how"] == "?" and variable["rest"] for variable in found), f"{service}: {name} has a default"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert SERVICES["scheduler"]["environment"][name] is None, f"{name} is passed on where it is set, and empty nowhere"


def test_what_must_be_set_is_told_at_the_top_of_the_file() -> None:
    head = TEXT.split("\nname:")[0]
    required = {variable["name"] for variable in VARIABLE.finditer(TEXT) if variable["how"] == "?"}
    assert required == set(re.findall(r"\b([A-Z_]+)=(?:\s|$)", head))


def test_every_airflow_variable_is_an_option_of_the_installed_airflow() -> None:
    options = airflow_options()
    given = {tuple(name.lower().split("__")[1:]) for name in environment_names() if name.startswith("AIRFLOW__")}
    assert given
    assert given - options == set()


def test_every_assay_variable_is_a_setting() -> None:
    given = {name for name in environment_names() if name.startswith("ASSAY_")}
    assert given
    assert given <= {f"ASSAY_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("service", OURS)
def test_no_service_of_ours_runs_as_root_or_gains_rights(service: str) -> None:
    body = SERVICES[service]
    uid = re.search(r"useradd --uid (\d+) --gid (\d+)", DOCKERFILE)
    assert uid is not None
    assert body["user"] == f"{uid[1]}:{uid[2]}"
    assert f"USER {uid[1]}" in DOCKERFILE
    assert body["cap_drop"] == ["ALL"]
    assert body["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", OURS)
def test_every_service_of_ours_finds_the_package_and_the_same_pool(service: str) -> None:
    environment = SERVICES[service]["environment"]
    assert environment["PYTHONPATH"] == "/opt/assay/include"
    for name in ("AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"):
        assert environment[name] == SERVICES["scheduler"]["environment"][name]


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"init"}))
def test_every_lasting_service_is_watched_and_comes_back(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[service]["restart"] == "unless-stopped"


def test_every_service_volume_and_config_that_is_named_exists_and_is_used() -> None:
    waited = {name for body in SERVICES.values() for name in body.get("depends_on", {})}
    volumes = {volume["source"] for body in SERVICES.values() for volume in body.get("volumes", [])}
    configs = {config["source"] for body in SERVICES.values() for config in body.get("configs", [])}
    assert waited <= set(SERVICES)
    assert volumes == set(COMPOSE["volumes"])
    assert configs == set(COMPOSE["configs"])
    for body in SERVICES.values():
        for name, how in body.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]


def test_the_databases_are_those_that_postgres_makes() -> None:
    scheduler, postgres = SERVICES["scheduler"]["environment"], SERVICES["postgres"]["environment"]
    url = re.compile(r"postgresql\+psycopg2://(\w+):\$\{POSTGRES_PASSWORD:\?[^}]+\}@([\w-]+)/(\w+)")
    airflow, assay = (url.fullmatch(scheduler[name]) for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "ASSAY_DATABASE_URL"))
    assert airflow is not None
    assert assay is not None
    assert airflow.groups() == (postgres["POSTGRES_USER"], "postgres", postgres["POSTGRES_DB"])
    assert assay.groups() == (postgres["POSTGRES_USER"], "postgres", "assay")
    assert f"CREATE DATABASE {assay[3]} OWNER {assay[1]};" in COMPOSE["configs"]["databases"]["content"]


def test_the_ui_is_bound_to_this_machine_and_the_parts_find_each_other() -> None:
    (port,) = SERVICES["api-server"]["ports"]
    assert port["host_ip"] == "127.0.0.1"
    environment = SERVICES["scheduler"]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://api-server:{port['target']}/execution/"
    config = yaml.safe_load((airflow_folder() / "config_templates" / "config.yml").read_text())
    assert config["api"]["options"]["port"]["default"] == str(port["target"])
    health = config["scheduler"]["options"]["scheduler_health_check_server_port"]["default"]
    assert f"127.0.0.1:{health}/health" in SERVICES["scheduler"]["healthcheck"]["test"][-1]
    assert environment["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "True"


def test_every_airflow_command_is_one_that_airflow_parses(tmp_path: Path) -> None:
    commands = [shlex.split(DOCKERFILE.rsplit("CMD ", 1)[1].strip("[]\n").replace(",", " "))]
    for body in SERVICES.values():
        for words in (body.get("command", []), body.get("healthcheck", {}).get("test", [])[1:]):
            if words[:1] == ["airflow"]:
                commands.append(words)
            elif words[:2] == ["bash", "-euc"]:
                lines = words[2].replace("$$", "$").splitlines()
                commands += [shlex.split(line.removeprefix("exec ")) for line in lines if re.match(r"(exec )?airflow ", line)]
    assert len(commands) == 9
    parse = (
        "import json, sys\nfrom airflow.cli.cli_parser import get_parser\n"
        "for words in json.loads(sys.argv[1]):\n    assert callable(get_parser().parse_args(words[1:]).func)"
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "DEFAULT_POOL": "8"}
    commands = [[re.sub(r"^\$AIRFLOW__\w+$", "8", word) for word in words] for words in commands]
    done = subprocess.run([sys.executable, "-c", parse, json.dumps(commands)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(set(re.findall(r"airflow\.[a-z_.]+\.[A-Z]\w+", TEXT))))
def test_every_class_that_is_named_exists(path: str) -> None:
    module, name = path.rsplit(".", 1)
    file = airflow_folder().parent.joinpath(*module.split(".")).with_suffix(".py")
    assert re.search(rf"^class {name}\b", file.read_text(), re.MULTILINE)


def test_the_image_holds_what_the_services_use() -> None:
    sources = [Path(s) for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE) for s in line.split()[:-1]]
    ignored = [line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#"]
    for source in sources:
        if source.name != "README.md":
            assert (CHECKOUT / source).exists(), source
        assert f"!{source}" in ignored, f"{source} is left out by .dockerignore"
    copied = {source.name for source in sources}
    environment = SERVICES["scheduler"]["environment"]
    for name in ("PYTHONPATH", "AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER"):
        assert f"{name}={environment[name]}" in DOCKERFILE
        assert Path(environment[name]).name in copied
    for mount in SERVICES["scheduler"]["volumes"]:
        assert mount["target"] in DOCKERFILE, f"{mount['target']} would belong to root"
    assert {mount["target"] for mount in SERVICES["scheduler"]["volumes"]} == {
        f"{environment['AIRFLOW_HOME']}/logs",
        environment["ASSAY_HOME"],
    }


def test_the_image_is_built_from_the_hashed_lock_on_a_python_that_we_support() -> None:
    version = re.search(r"^FROM python:(\d+)\.(\d+)-slim", DOCKERFILE, re.MULTILINE)
    assert version is not None
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert "--require-hashes --requirement requirements.txt" in DOCKERFILE
    assert re.search(r"^setuptools==", (CHECKOUT / "requirements.txt").read_text(), re.MULTILINE), "builds without isolation"
    assert "install --yes --no-install-recommends git" in DOCKERFILE, "publishing needs git"


def test_state_and_secrets_stay_out_of_the_image() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    assert not any(fnmatch.fnmatch(name, pattern) for name in (".env", "var", ".git", ".venv") for pattern in allowed)

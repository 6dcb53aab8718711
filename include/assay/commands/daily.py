"""`assay process daily`, `summarize`, `rank`, `trends` and `generate-indices`: documents in folders, with the option names that
users of the older tool know."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.commands.options import AsJson, Dataset, print_json, progress
from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.dataset.content import DatasetContent

Input = Annotated[
    Path,
    typer.Option("--input", exists=True, file_okay=False, help="Folder with a snapshot's documents, or a published tree."),
]
Output = Annotated[Path | None, typer.Option("--output", dir_okay=False, help="File to write. Default: standard output.")]
Bucket = Annotated[
    str | None,
    typer.Option(
        "--s3-bucket",
        help="Bucket that holds the sessions (`name`, `name/prefix` or `s3://...`). Default: ASSAY_STORAGE_URL. Give it every "
        "time, or never: what was read of a session lies beside it.",
    ),
]


def daily(
    output: Annotated[Path, typer.Option("--output", file_okay=False, help="Folder to write the documents into.")],
    date: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="UTC day that the dataset is shown at the end of. Default: today."),
    ] = None,
    s3_bucket: Bucket = None,
    generate_rankings: Annotated[bool, typer.Option("--generate-rankings", help="Write instance-rankings.json too.")] = False,
    calculate_trends: Annotated[bool, typer.Option("--calculate-trends", help="Write trends.json too.")] = False,
    dataset: Dataset = None,
    as_json: AsJson = False,
) -> None:
    """Judge what has arrived, and write the dataset as of the end of a day as documents into a folder.

    Sessions that started later are left out, so running it for every day repeats history. Documents satisfy their schemas and lie
    together with a manifest of their hashes. Nothing is committed anywhere: that is `assay publish`.

    Exit codes: 0 written; 1 refused or failed; 2 wrong usage.

    Example: `assay process daily --date 2024-06-29 --s3-bucket my-bucket --output data/processed/latest --generate-rankings`
    """
    from assay.process import process_arrived
    from assay.publish.daily import documents_of_day
    from assay.settings import Settings
    from assay.workspace import open_workspace

    settings = Settings(storage_url=_bucket_url(s3_bucket)) if s3_bucket else Settings()
    day = (date or datetime.now(UTC)).date()
    with open_workspace(dataset, settings) as workspace, progress() as tell:
        outcome = process_arrived(workspace, tell)
        tell(f"building the documents of {day}")
        documents = documents_of_day(workspace, day, rankings=generate_rankings, trends=calculate_trends)
    _write_folder(output, documents)
    said = {"date": str(day), "output": str(output), "documents": sorted(documents), "judged": outcome.read}
    if as_json:
        print_json(said)
    else:
        typer.echo(f"{len(documents)} documents as of {day} in {output} ({outcome.read} sessions judged now)")


def summarize(
    input_: Input,
    output: Output = None,
    group_by: Annotated[
        str, typer.Option("--group-by", help="`family`, `architecture`, `generation`, `processor`, `vcpus` or `memory_type`.")
    ] = "family",
) -> None:
    """Summarize a snapshot's types by group: how many, smallest, median, largest, the best, and how they scale with size.

    One summary a group and ranking: nothing is compared across configurations. What no machine tells is in group `unknown`.

    Example: `assay summarize --input data/processed/latest --group-by architecture --output summary.json`
    """
    from assay.dataset.cost import of_measured
    from assay.dataset.subject import subjects
    from assay.dataset.summaries import GROUPS, summary_document

    if group_by not in GROUPS:
        raise typer.BadParameter(f"found {group_by!r}; expected one of {', '.join(GROUPS)}", param_hint="--group-by")
    content = _content(input_)
    with progress() as tell:
        tell("ranking")
        document = _built(content, "instance-rankings.json")
    rankings = of_measured(document["rankings"])
    _emit(output, summary_document(group_by, rankings, subjects(content.sessions), document["last_updated"]))


def rank(
    input_: Input,
    output: Output = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Rankings, with commas between: `triad_bandwidth,gflops`. Default: all.")
    ] = None,
) -> None:
    """Rank a snapshot's types anew from its statistics: one list per ranking key, ranks shared where intervals overlap.

    Example: `assay rank --input data/processed/latest --metrics triad_bandwidth,gflops --output rankings.json`
    """
    with progress() as tell:
        tell("ranking")
        document = _built(_content(input_), "instance-rankings.json")
    if metrics is not None:
        wanted = [name.strip() for name in metrics.split(",") if name.strip()]
        missing = [name for name in wanted if name not in document["rankings"]]
        if missing or not wanted:
            there = ", ".join(sorted(document["rankings"])[:12])
            raise AssayError(f"--metrics: no ranking {', '.join(missing) or 'is named'}; there are {there}")
        document["rankings"] = {name: document["rankings"][name] for name in wanted}
    _emit(output, document)


def trends(
    historical: Annotated[
        Path,
        typer.Option("--historical", exists=True, file_okay=False, help="Published tree, or a folder with snapshots' folders."),
    ],
    output: Output = None,
) -> None:
    """Follow every metric of every type over the sessions of all snapshots in a folder, with the changes of its level.

    Example: `assay trends --historical dataset/data/processed/v1.0 --output trends.json`
    """
    from assay.dataset.again import content_of, merged, snapshot_folders_in

    with progress() as tell:
        contents = []
        for folder in snapshot_folders_in(historical):
            tell(f"reading {folder.name}")
            contents.append(content_of(folder))
        tell("looking for changes")
        document = _built(merged(contents), "trends.json")
    _emit(output, document)


def generate_indices(
    input_: Input,
    output: Annotated[
        Path, typer.Option("--output", file_okay=False, help="Folder to write the index into: `data/api` of a tree.")
    ],
    as_json: AsJson = False,
) -> None:
    """Write the index of a snapshot's documents: endpoints with sizes and hashes, filters, the JavaScript client and examples.

    Example: `assay generate-indices --input data/processed/latest --output data/api`
    """
    from assay.dataset.again import snapshot_folders_in
    from assay.dataset.api import api_documents
    from assay.publish.companions import companion_files

    folder = (snapshot_folders_in(input_) or [input_])[-1]
    documents = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".json", ".parquet")}
    if not {"memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json"} <= documents.keys():
        raise AssayError(f"{folder}: the core documents are not there; expected a snapshot's folder")
    files = api_documents(documents) | companion_files()
    _write_folder(output, files)
    print_json({"output": str(output), "files": sorted(files)}) if as_json else typer.echo(f"{len(files)} files in {output}")


def _content(folder: Path) -> DatasetContent:
    from assay.dataset.again import content_of, snapshot_folders_in

    return content_of((snapshot_folders_in(folder) or [folder])[-1])


def _built(content: DatasetContent, name: str) -> Any:
    import orjson

    from assay.dataset.build import build_documents

    return orjson.loads(build_documents(content)[name])


def _emit(output: Path | None, document: Any) -> None:
    from assay.dataset.encode import to_json

    data = to_json(document)
    if output is None:
        typer.echo(data.decode(), nl=False)
        return
    _write_folder(output.parent, {output.name: data})
    typer.echo(f"{output} written ({len(data)} bytes)", err=True)


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files so that a reader sees each as it was or as it is, never a part; the manifest last."""
    try:
        for name in sorted(files, key=lambda name: (name == "manifest.json", name)):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=target.parent, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                file.write(files[name])
            Path(made).chmod(0o644)
            Path(made).replace(target)
    except OSError as error:
        raise AssayError(f"{folder}: cannot be written: {error}") from None


def _bucket_url(bucket: str) -> str:
    return bucket if "://" in bucket else f"s3://{bucket.strip('/')}"


COMMANDS: Mapping[str, Callable[..., None]] = {
    "summarize": summarize,
    "rank": rank,
    "trends": trends,
    "generate-indices": generate_indices,
}


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application; `process daily` is added by the group that it belongs to."""
    for name, command in COMMANDS.items():
        app.command(name)(command)

"""docs/dataset.md and the migration guide say what the schemas say, and leave alone what people wrote."""

from __future__ import annotations

from assay.dataset.describe import BEGIN, documents_markdown, with_documents
from assay.dataset.migrations.guide import PATH, guide
from assay.dataset.models import API, DOCUMENTS, HISTORY
from assay.dataset.models.migrated import UNLESS_MIGRATED
from assay.dataset.schema import schemas
from assay.settings import project_root


def test_the_page_names_every_document_and_every_field() -> None:
    page = documents_markdown()
    assert [name for name in {**DOCUMENTS, **API, **HISTORY} if f"`{name}`" not in page] == []
    for schema in schemas().values():
        for part in (schema, *schema.get("$defs", {}).values()):
            fields = set(part.get("properties", {})) - {"migrated_from", "migration"}
            assert [field for field in fields if f"| `{field}` |" not in page] == []


def test_what_people_wrote_stays() -> None:
    page = with_documents(f"# Mine\n\nText.\n\n{BEGIN}\n\nold\n")
    assert page.startswith(f"# Mine\n\nText.\n\n{BEGIN}\n\n## Every document")
    assert "old" not in page.splitlines()
    assert with_documents(page) == page


def test_the_page_and_the_guide_in_the_checkout_are_fresh() -> None:
    page = (project_root() / "docs/dataset.md").read_text(encoding="utf-8")
    assert with_documents(page) == page, "run `make docs`"
    assert (project_root() / PATH).read_text(encoding="utf-8") == guide(), "run `make docs`"


def test_the_guide_says_what_a_migrated_document_may_lack() -> None:
    assert [part for part in UNLESS_MIGRATED if f"| {part} |" not in guide()] == []

"""The chart library of the explorer: Vega-Lite and what it needs, as one ES module out of the package vl-convert-python.

The module is taken as it comes and not edited; the notice beside it says which versions are inside and under which licences.
Nothing of it is in our repository, and taking it out needs neither Node nor a network.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import distribution
from importlib.resources import files

LIBRARY = "vendor/vega.js"
NOTICE = "vendor/NOTICE.txt"
PACKAGE = "vl-convert-python"

_SNIPPET = "export { vegaEmbed };"


@cache
def library_files() -> dict[str, bytes]:
    """The library and its notice, by their path in the explorer's folder."""
    import vl_convert

    return {LIBRARY: vl_convert.javascript_bundle(_SNIPPET).encode(), NOTICE: notice().encode()}


def notice() -> str:
    """Versions, makers and licences of what is inside the library."""
    import vl_convert

    package = distribution(PACKAGE)
    versions = {
        "vega": vl_convert.get_vega_version(),
        "vega_lite": vl_convert.get_vegalite_versions()[-1],
        "vega_embed": vl_convert.get_vega_embed_version(),
        "package": f"{PACKAGE} {package.version}",
    }
    template = (files("assay.explorer") / "notice.txt").read_text(encoding="utf-8")
    licence = next((str(path.read_text()) for path in package.files or () if path.name == "LICENSE"), "")
    return template.format(**versions, package_licence=licence.strip())

"""Which sessions a published number rests on: the object that names its `sources`, wherever in the documents that stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from assay.errors import AssayError

Keys: TypeAlias = tuple[str | int, ...]

RANKINGS = "instance-rankings.json"

PRICED = frozenset({"value_per_dollar", "cost_per_operation"})
"""Parts of price-performance.json that rest on a quantity and a price."""


_TYPE_AT = {"series": 1, "benchmarks": 2, "provisional": 2, "variants": 4}
"""Where the type stands in the keys of a document over time, by the first of them."""


class Origin(NamedTuple):
    """A published object with `sources`, and where it stands. `via`: what leads there, in words; empty if it is the number's
    own."""

    document: str
    keys: Keys
    holder: Mapping[str, Any]
    via: str = ""


def origins(documents: Mapping[str, Any], document: str, keys: Keys) -> list[Origin]:
    """The objects with `sources` that a number at `keys` of a decoded document rests on.

    Raises AssayError if the number does not come from measurements.
    """
    top = keys[0] if keys else ""
    if top == "rankings":
        return [_ranked(documents, document, keys)]
    if top == "families" and "period" in documents[document] and len(keys) > 4:
        return _members(documents[document], document, keys)
    if top in ("families", "architectures") and len(keys) > 2:
        return _summarized(documents, document, keys)
    if top == "instances" and PRICED.intersection(keys) and len(keys) > 4:
        return [_of_rank(documents, str(keys[4]), str(keys[1]), "is a median and a price:")]
    for length in range(len(keys), 0, -1):
        holder = at(documents[document], keys[:length])
        if isinstance(holder, Mapping) and "sources" in holder:
            return [Origin(document, keys[:length], _whole(documents[document], keys[:length], holder))]
        if isinstance(holder, Mapping) and isinstance(holder.get("source"), int):
            return [_of_list(documents[document], document, keys[:length])]
    raise AssayError(
        f"{document}: {pointer(keys)} does not come from measurements; expected a value below benchmarks or the like"
    )


def at(document: Any, keys: Keys) -> Any:
    """What stands at these keys of a decoded document."""
    for key in keys:
        document = document[key]
    return document


def pointer(keys: Keys) -> str:
    """The keys as a JSON pointer."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def _whole(decoded: Mapping[str, Any], keys: Keys, holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with all of its sources: one that names only its newest sessions rests on those of its entry."""
    number = holder.get("sessions")
    if not isinstance(number, int) or number <= len(holder["sources"]):
        return holder
    return {**holder, "sources": at(decoded, keys[:-1])["sources"]}


def _of_list(decoded: Mapping[str, Any], document: str, keys: Keys, via: str = "") -> Origin:
    """An object that names its sessions by a position in the lists of its type."""
    holder = at(decoded, keys)
    lists = decoded["sources"][keys[_TYPE_AT[str(keys[0])]]]
    return Origin(document, keys, {**holder, "sources": lists[holder["source"]]}, via)


def _members(decoded: Mapping[str, Any], document: str, keys: Keys) -> list[Origin]:
    """The quantities of the types that a family's spread in a period is made of."""
    _, _, benchmark, configuration, field = keys[:5]
    spread, found = at(decoded, keys[:5]), []
    field = str(field).removesuffix(f" ({spread['unit']})")
    for instance in spread["members"]:
        for where in (
            ("benchmarks", benchmark, instance, field),
            ("variants", benchmark, configuration, "instances", instance, field),
            ("variants", benchmark, configuration, "instances", instance, f"{field} ({spread['unit']})"),
        ):
            quantity = _find(decoded, where)
            if quantity and (quantity["configuration"], quantity["unit"]) == (configuration, spread["unit"]):
                found.append(_of_list(decoded, document, where, "summarizes"))
                break
    return found


def _find(tree: Any, keys: Keys) -> Mapping[str, Any] | None:
    for key in keys:
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return tree if isinstance(tree, Mapping) else None


def _ranked(documents: Mapping[str, Any], document: str, keys: Keys) -> Origin:
    position = next((key for key in keys[2:] if isinstance(key, int)), None)
    name = str(keys[1]) if len(keys) > 1 else ""
    ranking = _ranking(documents, name)
    if ranking is None or position is None:
        raise AssayError(
            f"{document}: {pointer(keys)} is not one type's rank; expected a path such as rankings.triad_bandwidth[0]"
        )
    return _of_rank(documents, name, ranking["ranks"][position]["instance"], "ranks")


def _summarized(documents: Mapping[str, Any], document: str, keys: Keys) -> list[Origin]:
    summary = at(documents[document], keys[:3])
    members = summary["members"]
    if len(keys) > 4 and keys[3] == "members" and isinstance(keys[4], int):
        members = [members[keys[4]]]
    return [_of_rank(documents, str(keys[2]), member["instance"], "summarizes") for member in members]


def _of_rank(documents: Mapping[str, Any], name: str, instance: str, via: str) -> Origin:
    """The quantity that a type has in a ranking."""
    ranking = _ranking(documents, name)
    if ranking is None:
        raise AssayError(f"{RANKINGS}: there is no ranking {name!r}")
    where = ranking["values_at"]
    for part in ("benchmarks", "microarchitecture", "variants"):
        for found, quantity in _places(documents[where["document"]].get(part, {}), (instance, where["field"]), (part,)):
            if quantity.get("configuration") == where["configuration"]:
                return Origin(where["document"], found, _whole(documents[where["document"]], found, quantity), via)
    raise AssayError(
        f"{where['document']}: no value of {instance} with configuration {where['configuration']} for ranking {name}"
    )


def _ranking(documents: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = documents.get(RANKINGS, {}).get("rankings", {}).get(name)
    return found


def _places(tree: Any, wanted: tuple[str, str], path: Keys) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    if not isinstance(tree, Mapping):
        return
    instance, field = wanted
    if isinstance(tree.get(instance), Mapping) and isinstance(tree[instance].get(field), Mapping):
        yield (*path, instance, field), tree[instance][field]
    for key, below in tree.items():
        if key != instance:
            yield from _places(below, wanted, (*path, key))

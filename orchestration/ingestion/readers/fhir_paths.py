"""Elements of a FHIR resource by path: `code.coding[http://loinc.org].code`, `value[x]`, `contact[0].name`."""

import re
from typing import Any

from orchestration.ingestion.readers.fhir_entries import Resource

STEP = re.compile(r"(?P<name>[A-Za-z]+(?:\[x\])?)(?:\[(?P<picked>[^\]]*)\])?")


def walk(values: list[Any], path: str) -> list[Any]:
    """All values at a path of plain elements, from each of the values."""
    for step in _steps(path):
        match = STEP.fullmatch(step)
        values = children(values, match["name"], match["picked"]) if match else []
    return values


def _steps(path: str) -> list[str]:
    # a dot inside brackets belongs to an address
    return re.findall(r"[^.\[]+(?:\[[^\]]*\])*", path)


def children(values: list[Any], name: str, picked: str | None) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not isinstance(value, dict):
            continue
        child = chosen_type(value, name.removesuffix("[x]")) if name.endswith("[x]") else value.get(name)
        several = child if isinstance(child, list) else [child]
        found += _picked([one for one in several if one is not None], picked)
    return found


def chosen_type(value: Resource, name: str) -> Any:
    """The element whose name is `name` and the type that was chosen for it, such as valueQuantity."""
    return next((value[key] for key in value if value[key] is not None and re.fullmatch(name + "[A-Z]\\w*", key)), None)


def _picked(several: list[Any], picked: str | None) -> list[Any]:
    if picked is None:
        return several
    if picked.isdigit():
        return several[int(picked) : int(picked) + 1]
    meant = [one for one in several if isinstance(one, dict) and picked in _marks(one)]
    # an identifier or a name that is no longer used is second choice
    return ([one for one in meant if one.get("use") != "old"] or meant)[:1]


def _marks(element: Resource) -> set[str]:
    """What a repeating element can be picked by."""
    marks = {element.get(name) for name in ("system", "url", "use") if isinstance(element.get(name), str)}
    codes = children(children([element], "type", None), "coding", None)
    return marks | {
        coding.get("code") for coding in codes if isinstance(coding, dict) and isinstance(coding.get("code"), str)
    }


def as_text(value: Any) -> str | None:
    """A value as text: a Quantity's number, a Period's start, a concept's text or first code, true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        for name in ("value", "text", "start", "code", "reference"):
            if isinstance(value.get(name), str):
                # '<5' is no number: a bound must not pass for a value
                return (str(value.get("comparator") or "") if name == "value" else "") + value[name]
        coding = value.get("coding")
        return as_text(coding[0]) if isinstance(coding, list) and coding else None
    return None

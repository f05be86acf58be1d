"""Drawings of what is made from what: a model's neighbours, and the whole project by layers."""

from collections.abc import Mapping
from html import escape

from orchestration.docs_site.models import Model

LAYERS = ("raw", "seeds", "staging", "intermediate", "marts", "quality")
ROW, COLUMN, BOX, HEIGHT = 22, 300, 240, 18
COLOURS = {
    "raw": "#8593a1",
    "seeds": "#E69F00",
    "staging": "#56B4E9",
    "intermediate": "#0072B2",
    "marts": "#009E73",
    "quality": "#CC79A7",
}


def neighbours(models: Mapping[str, Model], model: Model) -> str:
    """Parents, the model, children, as an SVG with links to their pages."""
    columns = [[models[key] for key in model.parents], [model], [models[key] for key in model.children]]
    rows = max(1, *(len(column) for column in columns))
    places = {}
    for number, column in enumerate(columns):
        for row, one in enumerate(column):
            places.setdefault((one.key, number), (number * COLUMN + 4, (row + (rows - len(column)) / 2) * ROW + 4))
    middle = places[(model.key, 1)]
    lines = [_line(places[(key, 0)], middle) for key in model.parents] + [
        _line(middle, places[(key, 2)]) for key in model.children
    ]
    boxes = [_box(models[key], at, "../") for (key, _), at in places.items()]
    return _drawing(3 * COLUMN, rows * ROW + 8, lines + boxes)


def whole(models: Mapping[str, Model]) -> str:
    """Every model in the column of its layer; a layer that is long is ordered by how far its models are from the raw records."""
    depth: dict[str, int] = {}

    def depth_of(key: str) -> int:
        if key not in depth:
            depth[key] = 0
            depth[key] = 1 + max((depth_of(parent) for parent in models[key].parents), default=-1)
        return depth[key]

    layers = [name for name in LAYERS if any(model.schema == name for model in models.values())]
    places = {}
    for number, layer in enumerate(layers):
        members = sorted(
            (m for m in models.values() if m.schema == layer), key=lambda m: (depth_of(m.key), m.folder, m.name)
        )
        places |= {model.key: (number * COLUMN + 4, row * ROW + 30) for row, model in enumerate(members)}
    lines = [_line(places[parent], places[key]) for key in places for parent in models[key].parents if parent in places]
    heads = [
        f'<text x="{n * COLUMN + 4}" y="18" font-weight="bold">{escape(layer)}</text>' for n, layer in enumerate(layers)
    ]
    boxes = [_box(models[key], at, "") for key, at in places.items()]
    height = max(y for _, y in places.values()) + ROW + 8
    return _drawing(len(layers) * COLUMN, height, heads + lines + boxes)


def _box(model: Model, at: tuple[float, float], root: str) -> str:
    x, y = at
    colour = COLOURS.get(model.schema, "#52606d")
    return (
        f'<a href="{root}{escape(model.page)}"><rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="3" fill="#fff" stroke="{colour}"/>'
        f'<text x="{x + 6}" y="{y + 13}" fill="#1f2933">{escape(model.name)}</text></a>'
    )


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = (start[0] + BOX, start[1] + HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    bend = max(30.0, abs(x2 - x1) / 2)
    return f'<path d="M{x1},{y1}C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}" fill="none" stroke="#c6ccd4"/>'


def _drawing(width: float, height: float, parts: list[str]) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} font-family="Helvetica, Arial, sans-serif" font-size="11.5">{"".join(parts)}</svg>'

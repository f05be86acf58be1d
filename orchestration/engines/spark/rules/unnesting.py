"""A row an element of a list."""

from sqlglot import exp

from orchestration.engines.spark.rules.columns import ColumnsOf
from orchestration.engines.spark.rules.spark_spelling import parsed
from orchestration.engines.spark.rules.untranslatable import Untranslatable

TAKEN = "taken_from_list"


def unnested_projections(tree: exp.Expression, columns_of: ColumnsOf) -> exp.Expression:
    """select a, unnest(x), generate_subscripts(x, 1) from t -> one generator, whose rows the select takes its values from."""
    for select in list(tree.find_all(exp.Select)):
        unnests = [
            found
            for one in select.expressions
            for found in one.find_all(exp.Unnest, exp.Explode)
            if _is_of(found, select)
        ]
        if unnests:
            _from_generator(select, unnests)
    return tree


def _is_of(node: exp.Expression, select: exp.Select) -> bool:
    return node.find_ancestor(exp.Select) is select


def _list_of(unnest: exp.Expression) -> exp.Expression:
    return unnest.expressions[0] if isinstance(unnest, exp.Unnest) else unnest.this


def _from_generator(select: exp.Select, unnests: list[exp.Expression]) -> None:
    lists = {_list_of(unnest).sql() for unnest in unnests}
    if len(lists) > 1:
        raise Untranslatable("several lists unnested in one select")
    generated = _list_of(unnests[0]).copy()
    if "from_" not in select.args:
        raise Untranslatable("a list unnested in a select without FROM")
    positions = [
        f for one in select.expressions for f in one.find_all(exp.Anonymous) if f.name.upper() == "GENERATE_SUBSCRIPTS"
    ]
    for position in positions:
        if position.expressions[0].sql() not in lists:
            raise Untranslatable("generate_subscripts of another list than the one unnested")
        position.replace(exp.cast(parsed(f"{TAKEN}.position + 1"), "BIGINT"))
    for unnest in unnests:
        unnest.replace(exp.column("element", TAKEN))
    source = select.args["from_"].this.alias_or_name
    for star in [one for one in select.expressions if isinstance(one, exp.Star)]:
        # a bare star would show the generator's columns too
        star.replace(exp.Column(this=star.copy(), table=exp.to_identifier(source)))
    columns = [exp.to_identifier("position"), exp.to_identifier("element")]
    select.append(
        "laterals",
        exp.Lateral(
            this=exp.Anonymous(this="POSEXPLODE", expressions=[generated]),
            view=True,
            alias=exp.TableAlias(this=exp.to_identifier(TAKEN), columns=columns),
        ),
    )


def unnested_joins(tree: exp.Expression, columns_of: ColumnsOf) -> exp.Expression:
    """cross join unnest(x) as t (c) -> cross join lateral posexplode(x) as t (place, c), which later joins may speak of. A list that is
    NULL or empty has no row in DuckDB; on Sail it has one without a place."""
    for join in list(tree.find_all(exp.Join)):
        unnest = join.this
        if not isinstance(unnest, exp.Unnest):
            continue
        alias, select = unnest.args.get("alias"), join.parent
        if alias is None or len(alias.columns) != 1 or len(unnest.expressions) != 1:
            raise Untranslatable("an unnested list without names for its rows and their column")
        if select.is_star or any(other.side for other in select.args["joins"] if other.side != "LEFT"):
            raise Untranslatable("an unnested list beside a star, or in an outer join")
        place = f"place_in_{alias.name}"
        generator = exp.Anonymous(this="POSEXPLODE", expressions=[unnest.expressions[0].copy()])
        named = exp.TableAlias(this=alias.this.copy(), columns=[exp.to_identifier(place), alias.columns[0].copy()])
        join.set("this", exp.Lateral(this=generator, alias=named))
        join.set("kind", "CROSS")
        select.where(exp.column(place, alias.name).is_(exp.Null()).not_(), copy=False)
    return tree

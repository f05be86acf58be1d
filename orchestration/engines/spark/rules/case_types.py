"""The type of a CASE."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour


def type_of_case(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """Sail takes the type of the first branch for that of all: where it is a literal (0, a list of texts) and another is not, a branch that
    is never taken tells the type of the other."""
    if not flavour.has_types_of_first_branches or not isinstance(node, exp.Case):
        return node
    branches = [one.args["true"] for one in node.args["ifs"]]
    if node.args.get("default") is not None:
        branches.append(node.args["default"])
    told = [branch for branch in branches if not isinstance(branch, exp.Null)]
    others = [branch for branch in told if not _is_literal(branch)]
    if not told or not _is_literal(told[0]) or not others:
        return node
    typed = node.copy()
    typed.set("ifs", [exp.If(this=exp.false(), true=others[0].copy()), *typed.args["ifs"]])
    if node.this is not None:
        # case x when ...: FALSE would be compared with x
        typed.args["ifs"][0].set("this", exp.Null())
    return typed


def _is_literal(branch: exp.Expression) -> bool:
    return isinstance(branch, exp.Literal) and not branch.is_string or isinstance(branch, exp.Array)

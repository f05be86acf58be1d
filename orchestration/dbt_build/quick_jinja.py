"""dbt's Jinja with what is the same for all models and tests done once a process.

dbt compiles each text that it renders, and of its 250 tests most say the same ('this test of these arguments'); and each node is
given the names of all macros twice, looked up one by one through five places.
"""

import functools
from typing import Any

import dbt.clients.jinja
import jinja2
from dbt.context.configured import ConfiguredContext
from dbt.context.macros import MacroNamespace
from dbt.context.manifest import ManifestContext
from dbt_common.clients.jinja import catch_jinja, get_environment

TEXTS_KEPT = 500


def compile_once() -> None:
    """From now on, in this process."""
    module: Any = dbt.clients.jinja
    module.get_template = functools.partial(quick_template, module.get_template)
    contexts: Any = ManifestContext
    contexts.to_dict = functools.partialmethod(quick_names, ManifestContext.to_dict)


def quick_template(
    own: Any, string: Any, ctx: dict[str, Any], node: Any = None, capture_macros: bool = False, native: bool = False
) -> jinja2.Template:
    """What dbt's own `get_template` gives; a text that was compiled before is not compiled again."""
    if capture_macros:
        return own(string, ctx, node, capture_macros=capture_macros, native=native)
    with catch_jinja(node):
        environment, code = _compiled(str(string), native)
        return environment.template_class.from_code(environment, code, environment.make_globals(ctx), None)


@functools.lru_cache(TEXTS_KEPT)
def _compiled(text: str, native: bool) -> tuple[jinja2.Environment, Any]:
    environment = get_environment(native=native)
    return environment, environment.compile(text)


def quick_names(self: ManifestContext, own: Any) -> dict[str, Any]:
    """What dbt's own `to_dict` gives, macros included: who is found first in a namespace is written last."""
    if type(self.namespace) is not MacroNamespace:
        return own(self)
    names = ConfiguredContext.to_dict(self)
    for place in reversed(list(self.namespace._search_order())):
        names.update(place)
    return names

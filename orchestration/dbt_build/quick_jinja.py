"""dbt's Jinja with what is the same for all models and tests done once a process.

dbt compiles each text that it renders, and of its 250 tests most say the same ('this test of these arguments'); and each node is
given all 600 macros twice, each added by calls of its own and looked up through five places.
"""

import functools
from collections.abc import Mapping
from typing import Any

import dbt.clients.jinja
import jinja2
from dbt.clients.jinja import MacroGenerator
from dbt.context.configured import ConfiguredContext
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt.contracts.graph.nodes import Macro
from dbt_common.clients.jinja import catch_jinja, get_environment, template_cache

TEXTS_KEPT = 2000


def compile_once() -> None:
    """From now on, in this process."""
    module: Any = dbt.clients.jinja
    module.get_template = functools.partial(quick_template, module.get_template)
    contexts: Any = ManifestContext
    contexts.to_dict = functools.partialmethod(quick_names, ManifestContext.to_dict)
    builder: Any = MacroNamespaceBuilder
    builder.build_namespace = quick_namespace


def quick_template(
    own: Any, string: Any, ctx: dict[str, Any], node: Any = None, capture_macros: bool = False, native: bool = False
) -> jinja2.Template:
    """What dbt's own `get_template` gives; a text that was compiled before is not compiled again."""
    if capture_macros:
        return own(string, ctx, node, capture_macros=capture_macros, native=native)
    with catch_jinja(node):
        environment, code = _compiled(str(string), native)
        return environment.template_class.from_code(environment, code, environment.make_globals(ctx), None)


def compile_ahead(manifest: Any) -> None:
    """Compile the texts of all models and tests, and the project's own macros, while there is nothing else to do."""
    for node in manifest.nodes.values():
        if node.raw_code and node.resource_type != "seed":
            _compiled(str(node.raw_code), False)
    for macro in manifest.macros.values():
        if macro.package_name == manifest.metadata.project_name:
            template_cache.get_node_template(macro)


@functools.lru_cache(TEXTS_KEPT)
def _compiled(text: str, native: bool) -> tuple[jinja2.Environment, Any]:
    environment = get_environment(native=native)
    return environment, environment.compile(text)


class QuickMacro(MacroGenerator):
    """A macro with the names that it runs with; made half a million times a build."""

    def __init__(self, macro: Macro, context: dict[str, Any], node: Any, stack: Any) -> None:
        self.macro, self.context, self.node, self.stack = macro, context, node, stack


def quick_namespace(
    self: MacroNamespaceBuilder, macros_by_package: Mapping[str, Mapping[str, Macro]], ctx: dict[str, Any]
) -> MacroNamespace:
    """What dbt's own `build_namespace` gives, package by package; that no name is there twice was seen in the parse."""
    node, stack = self.node, self.thread_ctx
    for package, macros in macros_by_package.items():
        made: Any = {name: QuickMacro(macro, ctx, node, stack) for name, macro in macros.items()}
        if package in self.internal_package_names:
            self.internal_packages[package] = made
            continue
        self.packages[package] = made
        if package == self.search_package:
            self.locals = made
        elif package == self.root_package:
            self.globals = made
    of_dbt: Any = {}
    for package in reversed(self.internal_package_names_order):
        of_dbt.update(self.internal_packages.get(package, {}))
    return MacroNamespace(self.globals, self.locals, of_dbt, self.packages)


def quick_names(self: ManifestContext, own: Any) -> dict[str, Any]:
    """What dbt's own `to_dict` gives, macros included: who is found first in a namespace is written last."""
    if type(self.namespace) is not MacroNamespace:
        return own(self)
    names = ConfiguredContext.to_dict(self)
    for place in reversed(list(self.namespace._search_order())):
        names.update(place)
    return names

"""
A kind of import contract that import-linter lacks: a list of what may be imported, not of what may not.
"""

import sys
from typing import TypedDict, cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from typing_extensions import override


class Stranger(TypedDict):
    """
    An import of something that is not on the list.
    """

    importer: str
    imported: str


class ImportsOnly(Contract):
    """
    A package imports itself, the standard library, and the packages that are listed.

    Options: `package`, the dotted name with all below it; `allowed`, names of
    top-level packages.
    """

    type_name = "imports_only"

    package = fields.StringField()
    allowed = fields.SetField(subfield=fields.StringField())

    @override
    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        package = cast("str", self.package)
        known = {package.partition(".")[0], *cast("set[str]", self.allowed)}
        known |= sys.stdlib_module_names
        strangers = [
            Stranger(importer=importer, imported=imported)
            for importer in sorted({package} | graph.find_descendants(package))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported.partition(".")[0] not in known
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    @override
    def render_broken_contract(self, check: ContractCheck) -> None:
        for stranger in cast("list[Stranger]", check.metadata["strangers"]):
            output.print_error(f"{stranger['importer']} must not import {stranger['imported']}.")

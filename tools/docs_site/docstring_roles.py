"""An extension of Griffe: what docstrings say in Sphinx's roles becomes links and code of Markdown."""
import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r':(?:func|class|meth|mod|data|attr):`~?([\w.]+)`')


class DocstringRoles(Extension):
    """``:func:`mmqanet.apis.init_model``` becomes a link that reads ``init_model``."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of an object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(lambda match: _link(match[1], obj), obj.docstring.value)


def _link(name: str, obj: Object) -> str:
    """A link where the name is written in full; plain code for a neighbour, whose path readers see anyway."""
    short = name.rpartition('.')[2]
    return f'[`{short}`][{name}]' if name.startswith('mmqanet.apis.') and name.count('.') == 2 else f'`{name}`'

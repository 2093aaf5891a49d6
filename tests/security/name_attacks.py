"""Names of pictures and classes that are markup, and what shows them: report, annotation tools, the page in the browser."""
import json
from functools import partial

from attack import Attack
from hostile_pickles import write

NAMES = {
    'script': '<script>alert(1)</script>',
    'end of a script': '</script><script>alert(1)</script>',
    'comment': '<!--<script>',
    'picture': '"><img src=x onerror=alert(1)>',
    'quotes': '\'" onmouseover="alert(1)',
    'entity': '&lt;script&gt;&#60;',
    'markdown picture': '![a](https://127.0.0.1/x.png)',
    'markdown link': '[a](javascript:alert(1))',
    'formula': '$\\href{javascript:alert(1)}{x}$',
    'address': 'https://127.0.0.1/x.png',
    'template': '{{constructor.constructor("alert(1)")()}}@PICTURES@@META@',
    'line separators': 'a\u2028b\u2029c',
    'end of a section': ']]><!ENTITY x SYSTEM "file:///etc/passwd">',
    'turned writing': 'gnp.\u202eexe',
    'nothing': '\0\x1b[2J',
}


def with_name(name, path, marker):
    write(path, json.dumps(name).encode())


def attacks():
    for name, text in NAMES.items():
        yield Attack('names that are markup', f'{name}.json', 'names', partial(with_name, text), passes=True)

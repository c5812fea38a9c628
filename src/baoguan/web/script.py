"""The reader's scripts, optional: keys, marks of what was read, and the service worker that keeps articles offline.

That is one file, /reader.js; /account.js comes to it for who is signed in. Pages allow them by their hashes alone:
nothing inline and nothing from anywhere else runs.
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files


@cache
def script(name: str = "reader.js") -> bytes:
    """A script as it is sent: without comments, indents and needless blanks."""
    text = (files("baoguan.web") / "static" / name).read_text("utf-8")
    text = re.sub(r"^\s*//.*$|^\s+", "", text, flags=re.M)
    text = re.sub(r" ?(=>|[=!]=|&&|\|\||[{},=<>]) ?| ([?:]) ", r"\1\2", text)
    return re.sub(r"(?<=\{)\n+|\n+(?=\})|\n(?=\n)", "", text).encode()


@cache
def script_hash(name: str = "reader.js") -> str:
    """sha256-..., for the element and for the policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script(name)).digest()).decode()

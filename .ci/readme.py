"""Prints the commands of README.md word for word: the lines of the code block that stands between
the `<!-- commands -->` markers. Fails unless they are the two that the project promises."""

import re
import sys

PROMISED = ["cargo run --release --example echo", "cargo test"]

try:
    text = open("README.md", encoding="utf-8").read()
except FileNotFoundError:
    sys.exit("error: there is no README.md")
block = re.search(
    r"<!-- commands -->\s*```[a-z]*\n(.*?)```\s*<!-- /?commands -->", text, re.DOTALL
)
if block is None:
    sys.exit("error: README.md has no code block between <!-- commands --> markers")
commands = [line for line in block.group(1).splitlines() if line.strip()]
if commands != PROMISED:
    sys.exit(f"error: README.md's commands are {commands}, expected {PROMISED}")
print("\n".join(commands))

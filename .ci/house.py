"""The house rules that a script can keep. Prints each breach as `file:line: what`, fails if any.

- Documentation headings are spelled, and come in the order, of HEADINGS. The docs of an item have
  no other top-level heading; those of a module or the crate may.
- A source file has at most 400 lines.
- `unsafe` occurs only where the audit looks: src/sys, src/shared, src/wait. (Tests and benches may
  count allocations or call the system by hand.)
- No test is ignored: what is not run rots.
- The docs beside the code hold no tabs or trailing blanks, which rustfmt leaves alone.
"""

import pathlib
import re
import sys

HEADINGS = ["Examples", "Errors", "Panics", "Cancel safety", "Platform", "Safety"]
# Words by which a heading is told to mean one of ours, whatever its spelling.
MEANS = {
    "Examples": r"examples?|usage",
    "Errors": r"errors?|failures?|fails",
    "Panics": r"panics?|panicking",
    "Cancel safety": r"(cancel|cancell?ation)[ -]?safety|cancell?ation|cancel",
    "Platform": r"platforms?([ -]specific)?( (behaviou?rs?|notes?|support|differences))?|portability",
    "Safety": r"safety|unsafety|soundness",
    None: r"returns?|return values?|arguments?|parameters?",
}
MAX_LINES = 400
UNSAFE = ("src/sys/", "src/shared/", "src/wait/")
# A comment, a string or a character: what is blanked before code is searched for a word.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|"(?:\\.|[^"\\])*"|' r"'(?:\\[^']*|[^'\\])'", re.DOTALL
)

breaches = []


def breach(path, line, what):
    breaches.append(f"{path}:{line}: {what}")


def headings(path, lines):
    """Walks each run of doc lines; a fence inside hides the `#` of hidden example lines."""
    fenced, marker, last = False, None, -1
    for number, line in enumerate(lines, 1):
        doc = re.match(r"\s*(//[/!])(?!/) ?(.*)", line)
        if doc is None or doc.group(1) != marker:
            fenced, last = False, -1
            marker = doc.group(1) if doc else None
        if doc is None:
            continue
        text = doc.group(2)
        if re.match(r"\s*(```|~~~)", text):
            fenced = not fenced
            continue
        found = re.match(r"(#{1,6})\s*([^#].*?)\s*#*$", text)
        if fenced or found is None or (len(found.group(1)) == 1 and text.startswith("#[")):
            continue
        level, title = len(found.group(1)), found.group(2)
        if level == 1 and title in HEADINGS:
            if HEADINGS.index(title) <= last:
                breach(path, number, f"`# {title}` comes too late; the order is {', '.join(HEADINGS)}")
            last = max(last, HEADINGS.index(title))
            continue
        for meant, pattern in MEANS.items():
            if re.fullmatch(pattern, title, re.IGNORECASE):
                advice = f"is spelled `# {meant}`" if meant else "is said in the prose"
                breach(path, number, f"heading `{text}` {advice}")
                break
        else:
            if level == 1 and marker == "///":
                breach(path, number, f"heading `{text}` is none of {', '.join(HEADINGS)}")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


for top in ("src", "examples", "tests", "benches", "fuzz/fuzz_targets"):
    for path in sorted(pathlib.Path(top).rglob("*.rs")):
        if "target" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            breach(path, len(lines), f"{len(lines)} lines; the limit is {MAX_LINES}: split it by noun")
        headings(path, lines)
        code = NOT_CODE.sub(blank, text).splitlines()
        for number, (line, bare) in enumerate(zip(lines, code), 1):
            if line != line.rstrip() or "\t" in line:
                breach(path, number, "a tab or a trailing blank")
            if re.search(r"\bunsafe\b", bare) and top in ("src", "examples"):
                if not path.as_posix().startswith(UNSAFE):
                    breach(path, number, f"`unsafe` outside {', '.join(UNSAFE)}")
            if re.search(r"#\[ignore\b", bare):
                breach(path, number, "an ignored test")

print("\n".join(breaches) if breaches else "headings, sizes, unsafe: as they should be")
sys.exit(bool(breaches))

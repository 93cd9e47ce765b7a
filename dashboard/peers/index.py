"""An index of words over this workspace's Rust files: what examples/code_index.rs does, in Python."""
import pathlib
import re
import sys

postings: dict[str, list[tuple[int, int]]] = {}
texts: list[str] = []
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.rs")):
    if "target" in path.parts:
        continue
    text = path.read_text(errors="replace")
    texts.append(text)
    for number, line in enumerate(text.splitlines(), 1):
        for word in re.findall(r"\w+", line):
            postings.setdefault(word, []).append((len(texts) - 1, number))
most = sorted(postings, key=lambda word: -len(postings[word]))[:10]
print(len(texts), "files,", len(postings), "words; most used:", ", ".join(most))

"""The minimum Rust version. With that toolchain active, type-checks the crate with it. With a newer
one, checks what can be checked: that the version is declared (clippy then refuses newer parts of
the standard library), and that no dependency declares a newer one."""

import json
import re
import subprocess
import sys


def out(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def version(text):
    return tuple(int(part) for part in text.split(".")[:2])


def show(parts):
    return ".".join(map(str, parts))


metadata = json.loads(out("cargo", "metadata", "--locked", "--all-features", "--format-version", "1"))
packages = {package["id"]: package for package in metadata["packages"]}
root = packages[metadata["resolve"]["root"]]
if not root["rust_version"]:
    sys.exit("error: Cargo.toml declares no rust-version")
declared = version(root["rust_version"])
active = version(re.match(r"rustc (\S+)", out("rustc", "--version")).group(1))

# What a user builds, on any platform: everything reached without a development dependency.
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
reached, todo = set(), [root["id"]]
while todo:
    here = todo.pop()
    if here in reached:
        continue
    reached.add(here)
    for edge in nodes[here]["deps"]:
        if any(kind["kind"] != "dev" for kind in edge["dep_kinds"]):
            todo.append(edge["pkg"])
newer = [
    f"{packages[id]['name']} {packages[id]['version']} wants {packages[id]['rust_version']}"
    for id in reached
    if packages[id]["rust_version"] and version(packages[id]["rust_version"]) > declared
]
if newer:
    sys.exit(f"error: rust-version is {show(declared)}, but " + "; ".join(sorted(newer)))
print(f"rust-version {show(declared)} is declared; none of {len(reached) - 1} dependencies wants a newer one")

if active == declared:
    for features in ("--all-features", "--no-default-features"):
        subprocess.run(["cargo", "check", "--locked", "--lib", features], check=True)
else:
    print(f"the minimum is {show(declared)}: the active toolchain is {show(active)}")

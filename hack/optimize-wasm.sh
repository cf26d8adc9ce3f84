#!/usr/bin/env bash
# optimize-wasm.sh IN OUT: Binaryen's wasm-opt over a module. It takes 50 KB and 4 % of the instructions away; -O3 takes 46 KB and
# 6 %, and what 300 KB must hold is more worth than that.
# The features are those that rustc's wasm32-wasip1 has on; the stripped module does not say so itself.
set -euo pipefail
"$(dirname "$0")/need.sh" wasm-opt binaryen
wasm-opt --flatten --rereloop -Os -Os --enable-bulk-memory --enable-multivalue --enable-mutable-globals \
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext "$1" -o "$2"

#!/usr/bin/env bash
# optimize-wasm.sh IN OUT: Binaryen's wasm-opt over a module. -O3 makes it faster by a few percent and larger by 6 KB, and room within
# the limit of 400,000 bytes is worth more than that.
# The features are those that rustc's wasm32-wasip1 has on; the stripped module does not say so itself.
set -euo pipefail
"$(dirname "$0")/need.sh" wasm-opt binaryen
wasm-opt -Oz --flatten --rereloop -Oz --code-folding -Oz --reorder-functions --reorder-locals --enable-bulk-memory --enable-multivalue --enable-mutable-globals \
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext "$1" -o "$2"

#!/usr/bin/env bash
# optimize-wasm.sh IN OUT: Binaryen's wasm-opt over a module. -O3 makes it faster by a few percent and larger by 6 KB, and room within
# the limit of 400,000 bytes is worth more than that.
# The first 1,024 bytes of the memory are the end of the stack: nothing is addressed there, which lets offsets be folded.
# The features are those that rustc's wasm32-wasip1 has on; the stripped module does not say so itself.
set -euo pipefail
"$(dirname "$0")/need.sh" wasm-opt binaryen
wasm-opt --low-memory-unused --flatten --simplify-locals-notee-nostructure --local-cse -Oz --flatten --rereloop -Oz --flatten --rereloop -Oz \
  --code-folding -Oz --reorder-functions --reorder-locals --converge --enable-bulk-memory --enable-multivalue --enable-mutable-globals \
  --enable-nontrapping-float-to-int --enable-reference-types --enable-sign-ext "$1" -o "$2"

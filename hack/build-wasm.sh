#!/usr/bin/env bash
# build-wasm.sh [PACKAGE [TARGET_DIR]]: builds the policy, or another package, as a module: with rustup's wasm32-wasip1
# target where it is installed, else with Debian's compiler. A plain `cargo build` stays free of both.
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-wasip1
package=${1:-azure-workload-identity-policy}
export CARGO_TARGET_DIR=${2:-target}

# The standard library is built too, for size, and a panic traps at once, which it does in the end anyway: without the text that
# goes before, the module is 33 KB smaller, and without the debug form of types, which nothing prints, another 3 KB. These are
# unstable features, which RUSTC_BOOTSTRAP allows here.
flags="-Zfmt-debug=none -Zlocation-detail=none"
small=(-Z build-std=std -Z build-std-features=optimize_for_size
  -Z panic-immediate-abort --config 'profile.release.panic="immediate-abort"')
build=(build --release --locked --target "$target" --package "$package")

root=$(rustc --print sysroot)/lib/rustlib
if [ -d "$root/$target/lib" ]; then
  if [ -d "$root/src/rust/library" ] || rustup component add rust-src; then
    export RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="$flags"
    exec cargo "${build[@]}" "${small[@]}"
  fi
  echo "Without the standard library's sources (rustup component add rust-src) the module is some 30 KB larger than its limit." >&2
  exec cargo "${build[@]}"
fi

packages=(rustc-web cargo-web rust-web-src lld wasi-libc)
if ! dpkg-query -W "${packages[@]}" >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}"
  else
    echo "To build the module, install the target with: rustup target add $target" >&2
    echo "or, on Debian, as root: apt-get install ${packages[*]}" >&2
    exit 1
  fi
fi
export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-C linker=wasm-ld -C link-self-contained=no -L native=/usr/lib/wasm32-wasi $flags"
exec /usr/bin/cargo "${build[@]}" "${small[@]}"

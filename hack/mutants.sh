#!/usr/bin/env bash
# mutants.sh [NAME]: makes each change of tests/mutants.txt in turn and runs the fast tests over the library, which must fail.
# Prints a line for each and exits with 1 where one survives. The source is put back in any case.
set -euo pipefail
cd "$(dirname "$0")/.."
only=${1:-}
kept=$(mktemp)
file=
restore() {
  if [ -n "$file" ]; then
    cp "$kept" "$file"
    file=
  fi
}
trap restore EXIT

# What is slow, or asks the module and not the library.
slow=(--skip stale_state --skip laws --skip docs --skip readme --skip hostile --skip manifests --skip module --skip field --skip federated)
fast() { NATIVE=1 cargo test --profile host --locked --quiet -p azure-workload-identity-policy -p checks --lib --test policy -- "${slow[@]}" >target/mutant.log 2>&1; }
if ! fast; then
  echo "the tests fail without a change: target/mutant.log" >&2
  exit 1
fi
survivors=0
try() { # NAME FILE OLD NEW
  cp "$2" "$kept"
  file=$2
  if ! OLD=$3 NEW=$4 perl -0pi -e 'BEGIN { $n = 0 } $n += s/\Q$ENV{OLD}\E/$ENV{NEW}/g; END { exit($n ? 0 : 1) }' "$2"; then
    echo "gone      $1: $2 does not have it"
    survivors=$((survivors + 1))
    file=
    return
  fi
  if ! cargo test --profile host --locked --quiet -p azure-workload-identity-policy -p checks --lib --test policy --no-run >target/mutant.log 2>&1; then
    echo "unbuilt   $1: $(grep -m1 '^error' target/mutant.log)"
    survivors=$((survivors + 1))
  elif fast; then
    echo "SURVIVES  $1"
    survivors=$((survivors + 1))
  else
    echo "dies      $1 ($(grep -cE '^test .* FAILED$|^    [a-z_:]+$' target/mutant.log) failures)"
  fi
  cp "$kept" "$2"
  file=
}

block=()
flush() {
  if [ "${#block[@]}" -eq 4 ] && { [ -z "$only" ] || [ "$only" = "${block[0]}" ]; }; then
    try "${block[@]}"
  fi
  block=()
}
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    "") flush ;;
    "# "*) ;;
    *) block+=("$line") ;;
  esac
done <tests/mutants.txt
flush
echo "$survivors survive"
[ "$survivors" -eq 0 ]

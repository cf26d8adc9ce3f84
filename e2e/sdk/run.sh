#!/usr/bin/env bash
# The article's test with the real SDKs: `make e2e-sdk`. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

skip() {
  echo "SDKs not tried: $1"
  mkdir -p "$root/target/summary"
  echo "not run: $1" > "$root/target/summary/SDKs"
  exit 0
}
command -v python3 >/dev/null || skip "python3 is not there"
command -v unshare >/dev/null || skip "unshare (util-linux) is not there"
apart=(unshare --mount --net)
[ "$(id -u)" = 0 ] || apart+=(--map-root-user)
"${apart[@]}" true 2>/dev/null || skip "no namespace of mounts and networks can be made: run it as root"

venv=$root/target/e2e-sdk/venv
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
  cp requirements.txt "$venv/requirements.txt"
fi
# What the machine itself says of certificates and credentials is not the container's.
unset SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
"$venv/bin/python" apps.py
# In a network of its own, which has only loopback: nothing is reached that is not started here.
exec "${apart[@]}" "$venv/bin/python" loopback.py -m pytest -q -rs -p no:cacheprovider "$@"

#!/usr/bin/env bash
# need.sh COMMAND PACKAGE: installs Debian's PACKAGE where COMMAND is missing and this is root on Debian.
set -euo pipefail
command -v "$1" >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$2"
else
  echo "This needs $1: install it with your package manager, as $2." >&2
  exit 1
fi

#!/bin/sh
# The programs that the test-suite drives for real. Debian and its relatives.
set -eu
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
export DEBIAN_FRONTEND=noninteractive
programs="melt fluidsynth flite fluidr3mono-gm-soundfont libegl1 libgl1 libxkbcommon0 libdbus-1-3 libpulse0 fonts-dejavu-core"
missing=""
for package in $programs; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
if [ -n "$missing" ]; then
    $sudo apt-get update -q
    # shellcheck disable=SC2086
    $sudo apt-get install -q -y --no-install-recommends $missing
fi
echo "System programs are there: $programs"

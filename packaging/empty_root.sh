#!/bin/sh
# usage: empty_root.sh FOLDER [MIRROR] (without one, debootstrap's own)
# A small Debian without Python for smoke.py: what the built program says it needs, an X server, a user. As root.
set -eu
root="$1"
debootstrap --variant=minbase bookworm "$root" ${2:+"$2"}
chroot "$root" apt-get install -q -y --no-install-recommends \
    libegl1 libgl1 libxcb1 libwayland-client0 libwayland-cursor0 libwayland-egl1 libdrm2 fonts-dejavu-core xvfb xauth xdotool
chroot "$root" apt-get clean
chroot "$root" useradd --create-home --uid 1000 user

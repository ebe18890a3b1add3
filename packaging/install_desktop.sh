#!/bin/sh
# Puts Hitpoint into this user's menu, or takes it out again. In the built program's folder:
#   sh install_desktop.sh             sh install_desktop.sh --remove
# Elsewhere, with the program to start and the folder of entry and icons: sh install_desktop.sh PROGRAM SHARE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
if [ "${1:-}" = --remove ]; then
    rm -f "$data/applications/hitpoint.desktop" "$data"/icons/hicolor/*/apps/hitpoint.png \
        "$data/icons/hicolor/scalable/apps/hitpoint.svg"
    exit 0
fi
program=${1:-$here/hitpoint}
share=${2:-$here/share}
[ -x "$program" ] || { echo "There is no program $program." >&2; exit 2; }
case $program in
/*) ;;
*) program=$(pwd)/$program ;;
esac
case $program in # signs that mean something in a desktop entry, or to sed
*[\"\`\$\\\|\&%]*) echo "A menu cannot start $program: move it to a folder with a plainer name." >&2; exit 2 ;;
esac
mkdir -p "$data/applications" "$data/icons"
cp -R "$share/icons/." "$data/icons/"
sed "s|^Exec=hitpoint |Exec=\"$program\" |" "$share/applications/hitpoint.desktop" > "$data/applications/.hitpoint.new"
mv "$data/applications/.hitpoint.new" "$data/applications/hitpoint.desktop"
echo "Hitpoint is in the menu: $data/applications/hitpoint.desktop"

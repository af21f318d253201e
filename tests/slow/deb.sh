#!/usr/bin/env bash
# The Debian package: built, then put on a bare Debian, started there by somebody who never had it, used on a display, and
# taken off again, leaving that person's folder alone and nothing else.
#
#   tests/slow/deb.sh [PICTURE]     needs root and Debian's packages (debootstrap)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. .ci/packages.sh

suite=bookworm
packager=0.11.8
picture=${1:-}
step() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

[[ $(id -u) == 0 ]] || fail 'a bare Debian can only be made by root'
missing=()
for tool in debootstrap desktop-file-validate; do command -v $tool >/dev/null || missing+=("$tool"); done
missing=("${missing[@]/desktop-file-validate/desktop-file-utils}")
install_missing "${missing[@]}"
if ! command -v cargo-packager >/dev/null; then
  step "cargo-packager $packager"
  cargo install --locked cargo-packager --version $packager --root target/tools
  PATH=$PWD/target/tools/bin:$PATH
fi

step 'package'
rm -rf target/package
# As CARGO_PROFILE_RELEASE_STRIP=symbols would build it, without building everything again.
cargo build --release --locked
target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
mkdir -p "$target/stripped/release"
strip -o "$target/stripped/release/glassworks" "$target/release/glassworks"
CARGO_TARGET_DIR=$target/stripped cargo packager --release -p glassworks -f deb
deb=$(echo target/package/*.deb)
[[ -s $deb ]] || fail 'there is no package'
dpkg-deb --info "$deb"
dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/share/applications/glassworks.desktop >target/package/glassworks.desktop 2>/dev/null ||
  dpkg-deb --fsys-tarfile "$deb" | tar -xO usr/share/applications/glassworks.desktop >target/package/glassworks.desktop
desktop-file-validate target/package/glassworks.desktop

root=$(mktemp -d)
chmod 755 "$root"
display=:$((200 + RANDOM % 700))
trap 'for d in dev/pts proc; do umount -l "$root/$d" 2>/dev/null || true; done; rm -rf --one-file-system "$root"' EXIT
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
folder=
person() { inside runuser -u person -- env HOME="$folder" "$@"; }

step "a bare $suite"
debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1 || { tail "$root.log"; fail 'no bare Debian'; }
rm -f "$root.log"
for apt in /etc/apt/apt.conf.d /etc/apt/keyrings; do [[ -d $apt ]] && cp -r $apt/. "$root$apt" 2>/dev/null || true; done
mount --bind /proc "$root/proc"
inside useradd -m person
folder=$(inside getent passwd person | cut -d: -f6)
inside apt-get -qq update
# What is only here to look: a display, and the databases that desktops keep.
inside apt-get -qq install -y --no-install-recommends xvfb x11-utils xdotool imagemagick desktop-file-utils shared-mime-info hicolor-icon-theme >/dev/null
listed() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./tmp -o -path ".$folder" \) -prune -o -print | sort); }
inside apt-get -qq install -y --no-install-recommends $(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/,//g') >/dev/null
listed >"$root/tmp/before"

step 'installed'
cp "$deb" "$root/tmp/glassworks.deb"
inside apt-get -qq install -y --no-install-recommends /tmp/glassworks.deb >/dev/null
[[ $(inside dpkg-query -W -f='${db:Status-Status}' glassworks) == installed ]] || fail 'it is not installed'
missing=$(inside ldd /usr/bin/glassworks | grep 'not found' || true)
[[ -z $missing ]] || fail "libraries are missing: $missing"
person glassworks --version
printf 'GGUF' >"$root$folder/a.gguf"
[[ $(inside grep -c 'application/x-gguf' /usr/share/mime/globs2) == 1 ]] || fail '.gguf has no type'
[[ $(inside grep 'application/x-gguf' /usr/share/applications/mimeinfo.cache) == *glassworks.desktop* ]] || fail '.gguf does not lead to it'

step 'it writes'
person glassworks generate --model starter --prompt 'Once upon a time' -n 8

step 'its window opens'
person Xvfb $display -screen 0 1440x900x24 -nolisten tcp >/dev/null 2>&1 &
xvfb=$!
sleep 2
person env DISPLAY=$display LIBGL_ALWAYS_SOFTWARE=1 glassworks --open >"$root/tmp/window.log" 2>&1 &
window=$!
for _ in $(seq 60); do
  sleep 0.5
  person env DISPLAY=$display xdotool search --name '^Glassworks$' >/dev/null 2>&1 && break
done
person env DISPLAY=$display xdotool search --name '^Glassworks$' >/dev/null || { cat "$root/tmp/window.log"; fail 'there is no window'; }
sleep 4
person env DISPLAY=$display import -window root /tmp/window.png
[[ $(inside identify -format '%k' /tmp/window.png) -gt 100 ]] || fail 'the window is empty'
[[ -z $picture ]] || cp "$root/tmp/window.png" "$picture"

step 'a second start, with a file, goes to the window that is there'
out=$(person env DISPLAY=$display glassworks --open "$folder/a.gguf" 2>&1)
[[ $out == *'open already'* ]] || fail "a second window opened: $out"
kill -0 $window || fail 'the window has closed'
person env DISPLAY=$display xdotool search --name '^Glassworks$' windowclose
wait $window || true
kill $xvfb; wait $xvfb 2>/dev/null || true
[[ -s $root$folder/.local/share/glassworks/glassworks.db ]] || fail 'nothing was kept in the home folder'

step 'taken off'
kept=$(cd "$root$folder" && find . -type f | sort | xargs sha256sum | sha256sum)
inside apt-get -qq purge -y glassworks >/dev/null
listed >"$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" || fail 'it left something behind, or took something along'
[[ $(cd "$root$folder" && find . -type f | sort | xargs sha256sum | sha256sum) == "$kept" ]] || fail 'the home folder changed'
printf 'The package is good: %s, %s bytes\n' "$(basename "$deb")" "$(stat -c %s "$deb")"

#!/bin/sh
# Prepares a Debian machine for the lab and the checks. Says one line for each thing that it does, and nothing when
# there is nothing to do. Safe to run twice at once.
#
#   sh lab/setup.sh [PART…]     parts: base (default), bench, lint
#
# base:  the packages that the demo and the tests need, and the lab's kernel (unpacked into a cache, never installed)
# bench: the packages of the managers that the benchmark compares with
# lint:  golangci-lint, built from tools/go.mod into the cache, and linked as bin/golangci-lint
#
# Services of installed packages are never started on this machine, and no package is ever removed from it.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
cache=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}

base_packages="qemu-system-x86 kmod iproute2 ethtool udev dbus systemd tcpdump e2fsprogs dnsmasq-base radvd iputils-ping iputils-arping"
bench_packages="network-manager ifupdown2"

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

# lock FILE: one installation at a time; the lock ends with this process.
lock() {
	mkdir -p "$cache"
	exec 9>"$cache/.lock"
	if ! flock -n 9; then
		say "waits for another setup"
		flock 9
	fi
}

# missing PACKAGE…: prints those that are not installed.
missing() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" { print $2 }' | sort -u >"$cache/.installed.$$"
	for package in "$@"; do
		grep -qx "$package" "$cache/.installed.$$" || printf '%s ' "$package"
	done
	rm -f "$cache/.installed.$$"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root to install packages: run as root: $*"
	fi
}

# quietly COMMAND…: shows the command's output only when it fails.
quietly() {
	log=$(mktemp)
	if "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}

refresh_lists() {
	say "apt-get update"
	quietly as_root apt-get update -q
}

# lists_exist: whether apt knows any package at all.
lists_exist() { apt-cache show kmod >/dev/null 2>&1; }

# get COMMAND…: an apt-get command, tried again once after new lists: mirrors drop the packages of old ones.
get() {
	lists_exist || refresh_lists
	set -- -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
	if as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$cache/apt.log" 2>&1 </dev/null; then
		return 0
	fi
	refresh_lists
	if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$cache/apt.log" 2>&1 </dev/null; then
		cat "$cache/apt.log" >&2
		die "apt-get $* went wrong"
	fi
}

# install PACKAGE…: what is missing of them. A policy-rc.d that forbids starting services is put in place for the
# time of the installation where the machine has none.
install() {
	wanted=$(missing "$@")
	[ -n "$wanted" ] || return 0
	command -v apt-get >/dev/null || die "this machine has no apt-get; install by hand: $wanted"
	say "installs $wanted"
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\n# holdfast-setup\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
		trap 'as_root rm -f "$policy"' EXIT
		trap 'exit 130' INT TERM HUP
	fi
	# shellcheck disable=SC2086 # the list is meant to be split
	get install --no-install-recommends --no-remove $wanted
	if grep -qs holdfast-setup "$policy"; then
		as_root rm -f "$policy"
	fi
}

# kernel: Debian's kernel and its modules in $cache/linux, with its version in the file `version`.
kernel() {
	[ ! -s "$cache/linux/version" ] || return 0
	lists_exist || refresh_lists
	package=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	[ -n "$package" ] || die "apt knows no linux-image-amd64"
	say "downloads and unpacks $package (400 MB in $cache)"
	work=$(mktemp -d "$cache/.linux.XXXXXX")
	chmod 755 "$work"
	if ! (cd "$work" && quietly apt-get -q download "$package"); then
		refresh_lists
		package=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
		(cd "$work" && quietly apt-get -q download "$package") || { rm -rf "$work"; die "cannot download $package"; }
	fi
	dpkg-deb -x "$work"/*.deb "$work/root"
	release=${package#linux-image-}
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$work/root" "$release"
	echo "$release" >"$work/root/version"
	rm -rf "$cache/linux"
	mv "$work/root" "$cache/linux"
	rm -rf "$work"
}

modules() {
	mark="$cache/modules.$(cat "$here/go.mod" "$here/go.sum" | cksum | tr ' ' -)"
	[ ! -e "$mark" ] || return 0
	say "downloads the Go modules"
	(cd "$here" && quietly go mod download)
	: >"$mark"
}

lint() {
	sum=$(cat "$here/tools/go.mod" "$here/tools/go.sum" | cksum | tr ' ' -)
	tool="$cache/golangci-lint.$sum"
	if [ ! -x "$tool" ]; then
		say "builds golangci-lint"
		(cd "$here/tools" && CGO_ENABLED=0 quietly go build -o "$tool.$$" github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
		mv "$tool.$$" "$tool"
	fi
	mkdir -p "$here/bin"
	ln -sfn "$tool" "$here/bin/golangci-lint"
}

lock
for part in "${@:-base}"; do
	case $part in
	base)
		# shellcheck disable=SC2086
		install $base_packages
		kernel
		modules
		;;
	bench)
		# shellcheck disable=SC2086
		install $bench_packages
		;;
	lint) lint ;;
	*) die "unknown part \"$part\": base, bench, lint" ;;
	esac
done

#!/bin/sh
# Runs a command, and sees that this machine's own network is afterwards as it was: tests change networks in the lab and
# in namespaces of their own, never here.
#
#   sh lab/guard.sh COMMAND ARGUMENT…
#
# The exit code is the command's, or 1 when that is 0 and the network has changed. Without ip(8), which make setup
# installs, nothing can be compared, and that is said.
set -u

if ! PATH=$PATH:/usr/sbin:/sbin command -v ip >/dev/null; then
	echo "guard: there is no ip(8) here: whether the network stays as it is, is not looked at" >&2
	exec "$@"
fi

# network: links, addresses, routes, rules, the switches that holdfast turns, the resolver and the host name, without
# what moves by itself: timers, learned entries, lifetimes, and the temporary addresses of IPv6 with their routes.
network() (
	PATH=$PATH:/usr/sbin:/sbin
	ip -d link show | sed -E 's/ (promiscuity|allmulti|fdb_n_learned) [0-9]+//g; s/ [a-z_]+_timer +[0-9.]+//g; s/ topology_change(_detected)? [01]//g'
	ip addr show | sed -E '/^ +valid_lft /d; / temporary /d; s/ deprecated//'
	for family in -4 -6; do
		ip $family route show table all | grep -v ' table local ' | sed -E 's/ expires [0-9]+sec//'
		ip $family rule show
	done
	for switch in disable_ipv6 accept_ra addr_gen_mode forwarding; do
		grep -s . /proc/sys/net/ipv[46]/conf/*/$switch
	done
	cat /etc/resolv.conf /proc/sys/kernel/hostname
) 2>/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
network >"$work/before"
"$@"
code=$?
network >"$work/after"
cmp -s "$work/before" "$work/after" && exit $code

{
	echo "guard: THE NETWORK OF THIS MACHINE HAS CHANGED while this ran: $*"
	diff "$work/before" "$work/after"
	echo "guard: tests must never do that. If another program on this machine did, run it again."
} >&2
[ $code = 0 ] || exit $code
exit 1

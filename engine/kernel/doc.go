// Package kernel is the engine that speaks with the Linux kernel itself: by
// netlink, by ethtool's netlink, and by sysctl where netlink has no way. It
// runs no other program.
//
// The way in is short. A conn is a netlink socket; dumpAll reads all objects of
// one type into raw values (dump_*.go), a snapshot is a set of those taken
// together, and stateOf makes the schema's state of a snapshot (show_*.go, one
// file per kind of link and object). The way out is a plan's steps turned into
// messages, sent level by level through conn.pipeline.
//
// Netlink's own words (attributes, families, ifindexes) do not leave this
// package, but for the numbers in the state's Facts.
package kernel

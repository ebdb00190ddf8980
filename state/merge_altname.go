package state

// mergeAltNames merges alternative names one by one: those of the document
// add, those with state absent take away.
func mergeAltNames(out, des *Interface) {
	names := out.AltNames
	changed := false
	for _, a := range des.AltNames {
		at := altName(names, a.Name)
		switch {
		case a.State == Absent && at >= 0:
			names = append(append([]AltName{}, names[:at]...), names[at+1:]...)
			changed = true
		case a.State != Absent && at < 0:
			names = append(append([]AltName{}, names...), AltName{Name: a.Name})
			changed = true
		}
	}
	if changed {
		out.AltNames = names
	}
}

// altName returns the place of a name in a list, or -1.
func altName(names []AltName, name string) int {
	for i, a := range names {
		if a.Name == name {
			return i
		}
	}
	return -1
}

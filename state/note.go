package state

// Description, profile name and wait-ip of an interface change nothing on a
// host. An engine keeps them on record beside it.

// normalNotes takes away what says nothing: a profile of the interface's own
// name, and waiting for any family, which is the default.
func normalNotes(i *Interface) {
	if i.ProfileName == i.Name {
		i.ProfileName = ""
	}
	if i.WaitIP == "any" {
		i.WaitIP = ""
	}
}

// mergeNotes lays the notes of the document over those that are there. The
// interface's own name and "any" take away what is there.
func mergeNotes(out, des *Interface) {
	if des.Description != "" {
		out.Description = des.Description
	}
	if des.ProfileName != "" {
		out.ProfileName = des.ProfileName
	}
	if des.WaitIP != "" {
		out.WaitIP = des.WaitIP
	}
	normalNotes(out)
}

// compareNotes compares what an engine keeps on record.
func compareNotes(c *comparison, want, have *Interface) {
	w := *want
	normalNotes(&w)
	c.text("description", w.Description, have.Description)
	c.text("profile-name", w.ProfileName, have.ProfileName)
	c.text("wait-ip", string(w.WaitIP), string(have.WaitIP))
	if want.ProfileName != "" && w.ProfileName == "" && have.ProfileName != "" {
		c.add("profile-name", want.Name, have.ProfileName)
	}
	if want.WaitIP != "" && w.WaitIP == "" && have.WaitIP != "" {
		c.add("wait-ip", string(want.WaitIP), string(have.WaitIP))
	}
}

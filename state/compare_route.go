package state

import "fmt"

// routes looks for the routes of want among the configured and the running
// ones; of absent entries none may be left that is not foreign.
func (c *comparison) routes(want *Routes) {
	if want == nil || len(want.Config) == 0 {
		return
	}
	live := liveRoutes(c.have.Routes)
	index := make(map[routeKey]*Route, len(live))
	for _, r := range live {
		index[r.key()] = r
	}
	wanted := make(map[routeKey]bool, len(want.Config))
	for _, r := range want.Config {
		if r.State != Absent {
			wanted[r.key()] = true
		}
	}
	for _, r := range want.Config {
		c.object = "route " + r.String()
		switch r.State {
		case Ignore:
		case Absent:
			for _, l := range live {
				if !l.foreign() && !wanted[l.key()] && r.matches(l) {
					c.object = "route " + l.String()
					c.add("", string(Absent), "present")
				}
			}
		default:
			c.route(r, index[r.key()])
		}
	}
}

func (c *comparison) route(want, have *Route) {
	if have == nil {
		c.add("", "present", string(Absent))
		return
	}
	if want == have {
		return
	}
	compareScalar(c, "source", want.Source, have.Source)
	compareScalar(c, "cwnd", want.CWND, have.CWND)
	compareScalar(c, "initcwnd", want.InitCWND, have.InitCWND)
	compareScalar(c, "initrwnd", want.InitRWND, have.InitRWND)
	compareScalar(c, "mtu", want.MTU, have.MTU)
	compareScalar(c, "lock-mtu", want.LockMTU, have.LockMTU)
	compareScalar(c, "advmss", want.AdvMSS, have.AdvMSS)
	compareScalar(c, "quickack", want.QuickACK, have.QuickACK)
	if want.Weight != nil && have.Weight != nil && *want.Weight != *have.Weight { // that of a single hop means nothing
		c.add("weight", fmt.Sprint(*want.Weight), fmt.Sprint(*have.Weight))
	}
}

// rules looks for the rules of want; one without a priority is there when it
// is there with any.
func (c *comparison) rules(want *Rules) {
	if want == nil || len(want.Config) == 0 {
		return
	}
	var live []*Rule
	if c.have.Rules != nil {
		live = c.have.Rules.Config
	}
	exact, loose := map[ruleKey]bool{}, map[ruleKey]bool{}
	for _, r := range live {
		k := r.key()
		exact[k] = true
		k.priority = -1
		loose[k] = true
	}
	wanted := map[ruleKey]bool{}
	for _, r := range want.Config {
		if r.State != Absent {
			wanted[r.key()] = true
		}
	}
	for _, r := range want.Config {
		c.object = "rule " + r.String()
		switch k := r.key(); {
		case r.State == Absent:
			c.absentRule(r, live, wanted)
		case k.priority < 0 && !loose[k], k.priority >= 0 && !exact[k]:
			c.add("", "present", string(Absent))
		}
	}
}

// absentRule looks for rules that should be gone: those that the same document
// asks for are not meant, with the priority that it gives or with any.
func (c *comparison) absentRule(want *Rule, live []*Rule, wanted map[ruleKey]bool) {
	for _, l := range live {
		k := l.key()
		loose := k
		loose.priority = -1
		if !l.foreign() && want.matches(l) && !wanted[k] && !wanted[loose] {
			c.object = "rule " + l.String()
			c.add("", string(Absent), "present")
		}
	}
}

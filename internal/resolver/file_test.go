package resolver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       Config
	}{
		{"empty", "", Config{}},
		{"comments", "# nameserver 192.0.2.9\n; search x\n", Config{}},
		{"all", "nameserver 192.0.2.1\nnameserver\t2001:DB8::1\nsearch a.example b.example\noptions rotate ndots:2\n",
			Config{Servers: []string{"192.0.2.1", "2001:db8::1"}, Search: []string{"a.example", "b.example"}, Options: []string{"rotate", "ndots:2"}}},
		{"the last search counts", "domain a\nsearch b c\n", Config{Search: []string{"b", "c"}}},
		{"options add up once", "options rotate\noptions rotate edns0\n", Config{Options: []string{"rotate", "edns0"}}},
		{"link-local", "nameserver fe80::1%eth0\n", Config{Servers: []string{"fe80::1%eth0"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Parse(test.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	c := Config{Servers: []string{"192.0.2.1"}, Search: []string{"x.example"}}
	tests := []struct{ name, text, want string }{
		{"empty", "", "search x.example\nnameserver 192.0.2.1\n"},
		{"foreign lines stay", "# mine\nsortlist 192.0.2.0\nnameserver 198.51.100.1\noptions rotate\n# end\n",
			"# mine\nsortlist 192.0.2.0\nsearch x.example\nnameserver 192.0.2.1\n# end\n"},
		{"no newline at the end", "# mine", "# mine\nsearch x.example\nnameserver 192.0.2.1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Rewrite(test.text, c)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if again := Rewrite(got, c); again != got {
				t.Errorf("written twice: %q, want %q", again, got)
			}
			if back := Parse(got); !back.Equal(c) {
				t.Errorf("read back: %+v, want %+v", back, c)
			}
		})
	}
}

func TestBareServer(t *testing.T) {
	for entry, want := range map[string]string{
		"192.0.2.1":                  "192.0.2.1",
		"192.0.2.1:53":               "192.0.2.1",
		"192.0.2.1#dns.example":      "192.0.2.1",
		"2001:DB8::1":                "2001:db8::1",
		"[2001:db8::1]:53#x.example": "2001:db8::1",
		"[fe80::1]:53%eth0":          "fe80::1%eth0",
		"fe80::1%eth0":               "fe80::1%eth0",
	} {
		if got := bareServer(entry); got != want {
			t.Errorf("%s: %s, want %s", entry, got, want)
		}
	}
}

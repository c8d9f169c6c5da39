package vuicc_test

import (
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

// probe is an applet made for looking at what the card lends to one: it writes down every event, and does as its test says.
type probe struct {
	env  plug.Env
	log  *[]string
	name string
	on   func(p *probe, e plug.Event)
}

func (p *probe) note(format string, args ...any) {
	*p.log = append(*p.log, p.name+" "+fmt.Sprintf(format, args...))
}

func (p *probe) Install(plug.InstallParameters) error { p.on(p, 0); return nil }
func (p *probe) Select(apdu.Command) apdu.Response {
	p.note("selected")
	return apdu.Response{SW: apdu.SWOK}
}
func (p *probe) Process(c apdu.Command) apdu.Response {
	p.note("command %02X", c.INS)
	return apdu.Response{Data: []byte{0xAB}, SW: apdu.SWOK}
}
func (p *probe) Deselect(ch int)                        { p.note("deselected on %d", ch) }
func (p *probe) ProcessData(apdu.Command) apdu.Response { return apdu.Response{SW: apdu.SWOK} }
func (p *probe) Toolkit(e plug.Event)                   { p.on(p, e) }
func (p *probe) Uninstall()                             { p.note("uninstalled") }
func (p *probe) PoweredUp()                             { p.note("powered") }

// send sends a proactive command and notes the result.
func (p *probe) send(name string, command []byte) {
	h, ok := p.env.Proactive()
	if !ok {
		p.note("%s: no handler", name)
		return
	}
	answer, err := h.Send(command)
	p.note("%s: %X %v", name, answer, err)
}

var moreTime = []byte{0xD0, 0x09, 0x81, 0x03, 0x01, 0x02, 0x00, 0x82, 0x02, 0x81, 0x82}

const (
	profile  = "8010000014 FFFFFFFF7F9D00DFBF00001FE2000000C36B0007"
	doneMore = "801400000C 810301020082028281 830100"
)

// with makes a card with probes in the place of applets, by name and priority.
func with(t *testing.T, on func(p *probe, e plug.Event), names ...string) (*vuicc.Card, *[]string) {
	t.Helper()
	img, err := image.Get("usim-linked")
	if err != nil {
		t.Fatal(err)
	}
	var log []string
	opts := []vuicc.Option{vuicc.WithRand(rand.New(rand.NewSource(1)))}
	proto := img.Applets[0]
	img.Applets = nil
	for i, name := range names {
		a := proto
		a.Module = image.Hex{0xF0, 1, 2, 3, 4, byte(i)}
		a.Instance = a.Module
		a.Priority = byte(i + 1)
		img.Applets = append(img.Applets, a)
		opts = append(opts, vuicc.WithModule(a.Module, func(env plug.Env) plug.Applet { return &probe{env, &log, name, on} }))
	}
	c, err := vuicc.New(img, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	return c, &log
}

func expect(t *testing.T, log *[]string, want ...string) {
	t.Helper()
	if got := strings.Join(*log, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("log:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	*log = nil
}

// TestOneProactiveSession: two applets want the handler at the same event; the second gets it when the first has its answer, in the order of priority.
func TestOneProactiveSession(t *testing.T) {
	c, log := with(t, func(p *probe, e plug.Event) {
		switch e {
		case 0:
			p.env.Registry().SetEvent(plug.ProfileDownload)
			p.env.Registry().SetEvent(plug.FirstCommandAfterATR)
		case plug.FirstCommandAfterATR:
			p.send("before a profile", moreTime)
		case plug.ProfileDownload:
			p.send("more time", moreTime)
		}
	}, "first", "second")
	expect(t, log, "first powered", "second powered")
	talk(t, c, profile, "910B")
	expect(t, log, "first before a profile: no handler", "second before a profile: no handler")
	talk(t, c, "801200000B", "D0098103010200820281829000", "80F2000C", "9000", doneMore, "910B")
	expect(t, log, "first more time: 810301020082028281830100 <nil>")
	talk(t, c, "801200000B", "D0098103010200820281829000", doneMore, "9000", "801200000B", "6F00", doneMore, "6F00")
	expect(t, log, "second more time: 810301020082028281830100 <nil>")
}

// TestSelectionOfApplets: selected by full AID or its head, deselected by another application or a closed channel.
func TestSelectionOfApplets(t *testing.T) {
	c, log := with(t, func(*probe, plug.Event) {}, "only")
	talk(t, c, "00A4040006F0010203040000", "9000", "80CA000001", "AB9000", "00B0000001", "AB9000",
		"00A4040005F001020304"+"00", "9000",
		selUSIM, "62…",
		"0070000001", "019000", "01A4040006F0010203040000", "9000", "81CA000001", "AB9000", "00708001", "9000", "81CA000001", "6881")
	expect(t, log, "only powered", "only selected", "only command CA", "only command B0", "only selected", "only deselected on 0", "only selected", "only command CA", "only deselected on 1")
}

// TestPollAndTimer: the card asks for the poll interval; STATUS and TIMER EXPIRATION reach the applet that asked.
func TestPollAndTimer(t *testing.T) {
	c, log := with(t, func(p *probe, e plug.Event) {
		switch e {
		case 0:
			p.env.Registry().SetEvent(plug.ProfileDownload)
			if id, ok := p.env.Registry().AllocateTimer(); !ok || id != 1 {
				p.note("timer %d %v", id, ok)
			}
			if _, ok := p.env.Registry().AllocateTimer(); ok {
				p.note("a second timer beyond what was granted")
			}
		case plug.ProfileDownload:
			p.env.Registry().RequestPollInterval(30)
		case plug.StatusCommand:
			p.note("poll")
			p.env.Registry().RequestPollInterval(0)
		case plug.TimerExpiration:
			p.note("timer %X", p.env.Envelope())
		}
	}, "only")
	expect(t, log, "only powered")
	talk(t, c, profile, "910F", "801200000F", "D00D81030103008202818284"+"02011E9000", "8014000010 810301030082028281 830100 8402011E", "9000",
		"80F2000C", "91…")
	expect(t, log, "only poll")
	talk(t, c, "80C200000E D70C 82028281 A40101 A503000003", "91…")
	expect(t, log, "only timer D70C82028281A40101A503000003")
}

// TestFileEvent: what a command writes is told to the applet that watches the file, by whichever path it was written.
func TestFileEvent(t *testing.T) {
	c, log := with(t, func(p *probe, e plug.Event) {
		switch e {
		case 0:
			p.env.Registry().RegisterFileEvent(image.USIM(), 0x6F07)
		case plug.ExternalFileUpdate:
			p.note("written")
		}
	}, "only")
	talk(t, c, verifyA, "9000", "00A4080404 7F206F07 00", "62…", "00D6000009 082926101160845740", "9000", "00A4080404 7F206F7E 00", "62…")
	expect(t, log, "only powered", "only written")
}

// TestPowerGoesWhileAnAppletWaits: nothing is left behind, neither a goroutine nor half a transaction.
func TestPowerGoesWhileAnAppletWaits(t *testing.T) {
	c, log := with(t, func(p *probe, e plug.Event) {
		switch e {
		case 0:
			p.env.Registry().SetEvent(plug.ProfileDownload)
		case plug.ProfileDownload:
			defer p.note("unwound")
			if err := p.env.Begin(); err != nil {
				p.note("begin: %v", err)
			}
			if err := p.env.Put("x", []byte{1}); err != nil {
				p.note("put: %v", err)
			}
			p.send("waiting", moreTime)
		}
	}, "only")
	before := runtime.NumGoroutine()
	for range 100 {
		talk(t, c, profile, "910B")
		if _, err := c.PowerOn(); err != nil {
			t.Fatal(err)
		}
	}
	c.PowerOff()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		runtime.Gosched()
	}
	if got := runtime.NumGoroutine(); got > before {
		t.Errorf("%d goroutines, %d before", got, before)
	}
	if got := strings.Count(strings.Join(*log, "\n"), "unwound"); got != 100 {
		t.Errorf("%d applets were unwound", got)
	}
	if c.NVM().Get("applet/f0010203040"+"0/m/x") != nil || c.NVM().InTransaction() {
		t.Error("a transaction outlived the power")
	}
}

// TestAccessDomains: an applet reads and writes what its domain grants, and nothing else.
func TestAccessDomains(t *testing.T) {
	for name, row := range map[string]struct {
		domain image.Hex
		read   error
		write  error
	}{
		"full":          {image.Hex{0x00}, nil, nil},
		"none":          {image.Hex{0xFF}, plug.SecurityNotSatisfied, plug.SecurityNotSatisfied},
		"PIN1":          {image.Hex{0x02, 0x01, 0x00, 0x00}, nil, plug.SecurityNotSatisfied},
		"PIN1 and ADM1": {image.Hex{0x02, 0x01, 0x01, 0x00}, nil, nil},
		"always":        {image.Hex{0x02, 0x00, 0x00, 0x04}, plug.SecurityNotSatisfied, plug.SecurityNotSatisfied},
	} {
		img, err := image.Get("usim-only")
		if err != nil {
			t.Fatal(err)
		}
		img.Applets[0].Access = []image.AccessDomain{{ADF: image.USIM(), Domain: row.domain}}
		img.Applets[0].Module = image.Hex{0xF0, 1, 2, 3, 4}
		var read, write, other error
		_, err = vuicc.New(img, vuicc.WithModule(img.Applets[0].Module, func(env plug.Env) plug.Applet {
			var log []string
			return &probe{env, &log, name, func(p *probe, _ plug.Event) {
				v, err := p.env.FileView(image.USIM())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := v.Select(0x6F07); err != nil {
					t.Fatal(err)
				}
				_, read = v.ReadBinary(0, 9)
				write = v.UpdateBinary(0, []byte{8})
				_, other = p.env.FileView(image.USIM()[:7])
			}}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if read != row.read || write != row.write {
			t.Errorf("%s: read %v, write %v", name, read, write)
		}
		if other != plug.FileNotFound {
			t.Errorf("%s: an ADF by a part of its AID: %v", name, other)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/uicc/usim"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// device is a terminal that a rehearsed card is put into.
type device struct {
	word string // what it is to the card
	imei *binding.IMEI
}

// maxEntries bounds the entries of a preset that get a device each.
const maxEntries = 4

// devicesFor says which terminals show what a configuration means: those that should be allowed, one that should not, and one that gives no IMEI.
func devicesFor(c binding.Configuration) []device {
	var out []device
	add := func(word string, imei binding.IMEI, ok bool) {
		if ok {
			out = append(out, device{word, &imei})
		}
	}
	switch c.Scheme {
	case binding.Off:
		first, _ := stranger(c)
		add("any device", first, true)
		return append(out, device{word: "no IMEI"})
	case binding.FirstInsert:
		words := []string{"first device", "another device"}
		if c.Entries() > 0 {
			words = []string{"first of the job's devices", "another of them"}
			imei, ok := stranger(c)
			add("device that is not in the job", imei, ok)
		}
		imei, ok := newcomer(c)
		add(words[0], imei, ok)
		imei, ok = newcomer(c, imei)
		add(words[1], imei, ok)
	case binding.Preset:
		for i := range min(c.Entries(), maxEntries) {
			imei := insider(c, i, 0)
			add("device of the job", imei, true)
		}
		imei, ok := stranger(c)
		add("another device", imei, ok)
	}
	return append(out, device{word: "no IMEI"})
}

// newcomer is a device that a card of first insert takes, and none of those that were there.
func newcomer(c binding.Configuration, before ...binding.IMEI) (binding.IMEI, bool) {
	if c.Entries() == 0 {
		return stranger(c, before...)
	}
	for i := range c.Entries() {
		for variant := range 10 {
			if imei := insider(c, i, variant); imei.Valid() && !slices.Contains(before, imei) {
				return imei, true
			}
		}
	}
	return binding.IMEI{}, false
}

// insider is a device of the entry: patterns first, then ranges. Odd variants of a range are its end.
func insider(c binding.Configuration, entry, variant int) binding.IMEI {
	if n := entry - len(c.Patterns); n >= 0 {
		if variant%2 == 1 {
			return c.Ranges[n].High
		}
		return c.Ranges[n].Low
	}
	digit := fmt.Sprint((variant + 1) % 10)
	imei, _, _ := binding.ParseIMEI(strings.ReplaceAll(c.Patterns[entry].String(), "*", digit)) // fourteen digits; all zeros are refused, and not valid
	return imei
}

// stranger is a device that no entry takes, and none of those that were there. Models are those of published examples.
func stranger(c binding.Configuration, before ...binding.IMEI) (binding.IMEI, bool) {
	for serial := 323751; serial < 323760; serial++ { // the next one is of another model, as its shortened form shows
		for _, tac := range []string{"49015420", "35209900", "35824005", "86012303", "01326300"} {
			imei, _, err := binding.ParseIMEI(fmt.Sprintf("%s%d", tac, serial))
			if err == nil && c.Match(imei).Kind == binding.EntryNone && !slices.Contains(before, imei) {
				return imei, true
			}
		}
	}
	return binding.IMEI{}, false
}

// visit is what became of a card in one device.
type visit struct {
	Device     string `json:"device"`
	IMEI       string `json:"imei,omitempty"`
	Expected   string `json:"expected"` // allowed, denied: by the job
	Found      string `json:"found"`    // allowed, denied: by EF_IMSI where the device can read it, else by the card's word
	Decision   string `json:"decision"` // the card's
	AsExpected bool   `json:"as_expected"`
}

// visitAll puts a card into every device that its configuration calls for, one after the other.
func (r *rehearsal) visitAll(ctx context.Context, card *vuicc.Card, c binding.Configuration, imsi string) (out []visit, err error) {
	var bound []binding.IMEI
	for _, d := range devicesFor(c) {
		want := c.Decide(bound, d.imei)
		if want.Decision == binding.AllowedBoundNow {
			bound = append(bound, *d.imei)
		}
		v, err := r.visit(ctx, card, d, want, c.Denial, imsi)
		if err != nil {
			return out, fmt.Errorf("%s: %w", d.word, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// visit starts one device with the card in it, and looks what the card decided and what EF_IMSI holds then.
func (r *rehearsal) visit(ctx context.Context, card *vuicc.Card, d device, want binding.Verdict, denial [9]byte, imsi string) (visit, error) {
	v := visit{Device: d.word, Expected: access(want.Allowed())}
	cfg := cat.Config{ADF: image.USIM()}
	if d.imei != nil {
		cfg.IMEI, v.IMEI = d.imei.String(), r.a.imei(d.imei.String())
	}
	var err error
	if cfg.Profile, err = cat.NamedProfile("phone"); err != nil {
		return v, err
	}
	service := mock.New()
	reader := service.AddReader("Terminal")
	reader.Insert(card)
	defer reader.Remove()
	s, err := service.Connect(ctx, "Terminal", pcsc.ConnectOptions{})
	if err != nil {
		return v, err
	}
	report, err := cat.New(s, s, cfg).Boot(ctx)
	if err != nil {
		return v, err
	}
	applet, err := personalize.SelectApplet(ctx, s, r.bench.Run.AID)
	if err != nil {
		return v, err
	}
	decided := applet.State.Decision
	v.Decision = decided.Code()
	v.Found = access(decided.Allows() || decided.Denies() && !want.Enforced)
	if report.IMSIAfter != nil {
		v.Found = accessBy(report.IMSIAfter, denial, imsi)
	}
	v.AsExpected = v.Found == v.Expected && decided.Allows() == want.Decision.Allows() && (decided.Allows() || decided.Denies())
	return v, nil
}

// words is what became of it, for people.
func (v visit) words() string {
	switch {
	case !v.AsExpected:
		return v.Found + ", by the job " + v.Expected
	case v.Found == access(true) && strings.HasPrefix(v.Decision, access(false)):
		return v.Found + ": the card would deny, and only observes"
	}
	return v.Found
}

func access(allowed bool) string {
	if allowed {
		return "allowed"
	}
	return "denied"
}

// accessBy tells by what a device reads in EF_IMSI whether the subscription works in it.
func accessBy(content []byte, denial [9]byte, imsi string) string {
	if got, err := usim.DecodeIMSI(content); err == nil && got.String() == imsi {
		return access(true)
	}
	if bytes.Equal(content, denial[:]) {
		return access(false)
	}
	return "neither"
}

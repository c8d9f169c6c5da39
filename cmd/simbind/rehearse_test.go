package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/secret"
)

// TestRehearsalSeesOtherDecisions: a card that was never personalized lets every device in. A rehearsal that did not see that would show nothing.
func TestRehearsalSeesOtherDecisions(t *testing.T) {
	run := personalize.Run{AID: binding.DefaultAID, Rand: rand.Reader, Now: time.Now}
	row := job.Row{Line: 2, ICCID: "8988211000000430010", Configuration: binding.DefaultConfiguration(binding.FirstInsert)}
	const imsi = "001010000123456"
	card, err := rehearsalCard(&run, row, imsi, keys.Card{Keys: gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey()}})
	if err != nil {
		t.Fatal(err)
	}
	r := &rehearsal{a: &app{}, bench: &batch.Bench{Run: run}, report: newRehearsalReport(&job.Job{})}
	visits, err := r.visitAll(context.Background(), card, row.Configuration, imsi)
	if err != nil {
		t.Fatal(err)
	}
	r.report.visited(row.Configuration, rehearsedCard{ICCID: "898821***0010", Line: 2, Visits: visits})
	r.report.Counts.Ordered, r.report.Counts.Good, r.report.Balanced, r.report.End = 1, 1, true, "complete"
	r.report.judge()
	var b bytes.Buffer
	r.report.text(&b, printer{})
	for _, want := range []string{"another device  35209900******  allowed, by the job denied", "line 2: card 898821***0010: terminal: no IMEI: allowed, by the job denied", "NOT good"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not told: %s\n%s", want, b.String())
		}
	}
	if r.report.Outcome != rehearsalNotGood {
		t.Error(r.report.Outcome)
	}
}

// TestDevicesShowWhatAJobMeans: a device is what its words say, by the job's own rules.
func TestDevicesShowWhatAJobMeans(t *testing.T) {
	prefix, _, err := binding.ParsePrefix("3582400511")
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := binding.ParsePrefix("49015420323751") // that of the first stranger
	if err != nil {
		t.Fatal(err)
	}
	span, err := binding.ParseRange("35824005000000-35824005000001")
	if err != nil {
		t.Fatal(err)
	}
	narrow := binding.Configuration{Scheme: binding.FirstInsert, Patterns: []binding.Pattern{whole}}
	for _, row := range []struct {
		name string
		c    binding.Configuration
		want string
	}{
		{"off", binding.Configuration{}, "any device +, no IMEI +"},
		{"preset", binding.Configuration{Scheme: binding.Preset, Patterns: []binding.Pattern{prefix, whole}, Ranges: []binding.Range{span}},
			"device of the job +, device of the job +, device of the job +, another device -, no IMEI -"},
		{"first insert", binding.Configuration{Scheme: binding.FirstInsert, Policy: binding.AllowNoIMEI}, "first device +, another device -, no IMEI +"},
		{"narrowed", binding.Configuration{Scheme: binding.FirstInsert, Ranges: []binding.Range{span}},
			"device that is not in the job -, first of the job's devices +, another of them -, no IMEI -"},
		{"narrowed to one", narrow, "device that is not in the job -, first of the job's devices +, no IMEI -"},
	} {
		var got []string
		var bound []binding.IMEI
		for _, d := range devicesFor(row.c) {
			v := row.c.Decide(bound, d.imei)
			if v.Decision == binding.AllowedBoundNow {
				bound = append(bound, *d.imei)
			}
			got = append(got, d.word+map[bool]string{true: " +", false: " -"}[v.Allowed()])
		}
		if s := strings.Join(got, ", "); s != row.want {
			t.Errorf("%s: %s\nwant %s", row.name, s, row.want)
		}
	}
}

func TestKindOfRehearsedKeys(t *testing.T) {
	k := func(kind gp.KeyKind, size int, kvn byte, d gp.Diversification) keys.Card {
		return keys.Card{Kind: kind, Keys: gp.KeySet{ENC: secret.New(make([]byte, size)), KVN: kvn, Diversification: d}}
	}
	for _, row := range []struct {
		name string
		card keys.Card
		want gp.KeyKind
	}{
		{"said", k(gp.DES, 16, 0x30, gp.KDF3), gp.DES},
		{"long", k(0, 32, 0x20, 0), gp.AES},
		{"version 2x", k(0, 16, 0x20, 0), gp.DES},
		{"version 3x", k(0, 16, 0x3F, gp.VISA2), gp.AES},
		{"3DES derivation", k(0, 16, 0x01, gp.EMV), gp.DES},
		{"AES derivation", k(0, 16, 0, gp.KDF3), gp.AES},
		{"nothing said", k(0, 16, 0, 0), gp.AES},
	} {
		if got := kindOf(row.card); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

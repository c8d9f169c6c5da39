package jvm_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

const (
	profile   = "8010000014 FFFFFFFF7F9D00DFBF00001FE2000000C36B0007"
	fetchIMEI = "D009810301260182028182"
	imei      = "8014000016 810301260182028281830100 94084A09512430325781"
	refresh   = "D012810301010282028182" + "9207013F007FFF6F07"
	refreshed = "801400000C 810301010282028281 830100"
)

// TestSend: an applet waits for the terminal twice, and is called for other things meanwhile.
func TestSend(t *testing.T) {
	p := probe(t)
	p.talk(profile, "910B", "8020000001 AB 00", "AB00910B", "801200000B", fetchIMEI+"9000", "8016000000", "00009000",
		"8015000000", initial+"9000", imei, "9114", "8012000014", refresh+"9000", refreshed, "9000",
		"8019000000", "7FF2"+"01E2"+"00084A"+"00"+"9000")
	p.power()
	p.talk("8021140000", "01010000"+"4A09512430325781"+"00000000"+"9000")
	p.sound()
}

// TestResetDuringSend: the frame of the applet is gone, what it wrote before stays, and nobody is left waiting.
func TestResetDuringSend(t *testing.T) {
	p := probe(t)
	p.talk(profile, "910B")
	p.power()
	before := runtime.NumGoroutine()
	for range 20 {
		p.talk(profile, "910B", "801200000B", fetchIMEI+"9000")
		p.power()
	}
	if got := runtime.NumGoroutine(); got > before {
		t.Errorf("%d goroutines, %d before", got, before)
	}
	p.talk(profile, "910B", "801200000B", fetchIMEI+"9000", imei, "9114", profile, "910B", "801200000B", fetchIMEI+"9000")
	p.sound()
}

// TestCutAfterSend: every write of an event is cut, before and after the answer.
func TestCutAfterSend(t *testing.T) {
	p := probe(t)
	for n := 1; n <= 30; n++ {
		p.another()
		p.card.NVM().CutAt(n, n%2 == 0)
		for _, c := range []string{profile, "801200000B", imei, "8012000014", refreshed} {
			if p.say(c) == "mute" {
				break
			}
		}
		p.card.NVM().CutAt(0, false)
		p.power()
		p.talk(profile, "910B", "801200000B", fetchIMEI+"9000", imei, "9114", "8012000014", refresh+"9000", refreshed, "9000")
		p.sound()
	}
}

func TestRegistry(t *testing.T) {
	p := probe(t)
	p.talk("801A0013", "6F8D", "801A000B", "6F8D", "801A007C", "6F8D", "801A0019", "6F86", // by other methods; not fired here
		"801A007E", "9000", "801A027E", "6F01", "801A017E", "9000", "801A027E", "6F00",
		"801A0400", "6F8B", "801A0501", "9000", "801A0400", "9000", "801A0509", "6F8C", // timers: one is granted
		"801A0213", "6F00", "801A031E", "9000", "801A0213", "6F01", "801A0300", "9000", "801A0213", "6F00",
		"801A027C", "6F00", "801A0600", "9000", "801A027C", "6F01")
	p.power()
	p.talk("801A027C", "6F01", "0070000001", "019000", "01A4040C10"+fmt.Sprintf("%X", image.USIM()), "9000",
		"0120000A08 3838383838383838", "9000", "01D6870009 082926101160845740", "9000", "8019000000", "7FF27FF27C9000")
	p.sound()
}

// TestPersonalization: STORE DATA through the security domain reaches the applet whole.
func TestPersonalization(t *testing.T) {
	p := probe(t)
	r := p.java.ProcessData(apdu.Command{CLA: 0x80, INS: 0xE2, P1: 0x90, Data: []byte{1, 2, 3}})
	if r.SW != apdu.SWOK {
		t.Error(r.SW)
	}
	p.talk("8015000000", "80E2900003010203"+initial[16:]+"9000")
	r = p.java.ProcessData(apdu.Command{CLA: 0x80, INS: 0xE2, P1: 0x90, P2: 9, Data: []byte{1, 2, 3}})
	if r.SW != apdu.SWWrongP1P2 {
		t.Error(r.SW)
	}
	p.java.Uninstall()
	p.talk("8019000000", "7FF2DE9000")
	p.sound()
}

// TestEvents reach the applet that was removed from a list no more.
func TestUnregisteredEvent(t *testing.T) {
	p := probe(t)
	p.talk("801A0101", "9000", profile, "9000", "8019000000", "7FF29000")
	p.java.Toolkit(plug.UnrecognizedEnvelope)
	p.talk("8019000000", "7FF2FF9000")
	p.sound()
}

type contacts struct{ p *probing }

func (x contacts) Transmit(_ context.Context, c apdu.Command) (apdu.Response, error) {
	raw, err := c.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	out, err := x.p.card.Process(raw)
	if err != nil {
		return apdu.Response{}, err
	}
	return apdu.ParseResponse(out)
}

// TestSecureChannel: at every level a command is unwrapped and its answer wrapped.
func TestSecureChannel(t *testing.T) {
	p := probe(t)
	for _, level := range []gp.Level{0x01, 0x03, 0x11, 0x13, 0x33} {
		p.another()
		keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
		s, err := gp.Open(context.Background(), contacts{p}, keys, gp.Options{Level: level, AID: module})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r, err := s.Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: 0x84, Data: []byte{1, 2, 3}, Le: 256})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprintf("%X %s", r.Data, r.SW.String()), fmt.Sprintf("%02X010203 9000", 0x80|byte(level)); got != want {
				t.Errorf("level %02X: %s, want %s", byte(level), got, want)
			}
		}
		p.talk("8484000003010203", "6982")
		p.sound()
	}
}

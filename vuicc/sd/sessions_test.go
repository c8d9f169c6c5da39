package sd

import (
	"bytes"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
)

type recorded struct {
	ID, SCP    string
	I          vectors.Hex
	Requested  vectors.Hex `json:"requested_kvn"`
	KVN, Level vectors.Hex
	KDD        vectors.Hex `json:"key_diversification_data"`
	AID        vectors.Hex
	Pseudo     *bool `json:"pseudo_random_challenge"`
	Static     struct{ ENC, MAC, DEK vectors.Hex }
	Sequence   vectors.Hex
	Challenge  vectors.Hex                             `json:"card_challenge"`
	Initialize struct{ Command, Response vectors.Hex } `json:"initialize_update"`
	External   struct{ Command, Response vectors.Hex } `json:"external_authenticate"`
	Exchanges  []struct {
		Plain, Wrapped, Response vectors.Hex
		Unwrapped                *vectors.Hex
	}
}

// sessionsOf loads the recorded sessions of SCP02 and SCP03, some of them by name.
func sessionsOf(t testing.TB, ids ...string) []recorded {
	t.Helper()
	var all, out []recorded
	vectors.Load(t, "scp_sessions.json", &all)
	for _, r := range all {
		if r.SCP != "01" && (len(ids) == 0 || r.ID == ids[0]) {
			out = append(out, r)
		}
	}
	if len(out) == 0 || len(ids) == 1 && len(out) != 1 {
		t.Fatalf("%d recorded sessions %v", len(out), ids)
	}
	return out
}

// domainOf makes the card of a recording at the moment before its INITIALIZE UPDATE, with whatever else stands in cfg.
func domainOf(t testing.TB, r recorded, cfg Config, rt Runtime) *Domain {
	t.Helper()
	mem := nvm.New()
	set := KeySet{KVN: r.KVN[0], Protocol: 0x02, I: r.I[0], ENC: r.Static.ENC, MAC: r.Static.MAC, DEK: r.Static.DEK}
	seq := bytes.Clone(r.Sequence)
	if r.SCP == "03" {
		set.Protocol = 0x03
		if set.I&0x10 != 0 { // the card counts before it answers
			for n := len(seq) - 1; n >= 0; n-- {
				if seq[n]--; seq[n] != 0xFF {
					break
				}
			}
		}
	}
	if err := mem.PutNow(counter(set.KVN, "sequence"), seq); err != nil {
		t.Fatal(err)
	}
	if len(r.AID) > 0 {
		cfg.AID = r.AID
	}
	cfg.KDD, cfg.Rand, cfg.Keys = r.KDD, bytes.NewReader(r.Challenge), []KeySet{set}
	d, err := New(mem, cfg, rt)
	if err != nil {
		t.Fatal(err)
	}
	if r.SCP == "03" && (r.Pseudo == nil || !*r.Pseudo) { // of an AID nobody knows
		d.challenge = func(_ *Domain, s keySet, host, _ []byte) (protocol, error) {
			return newSCP03(s, host, r.Challenge, r.Sequence)
		}
	}
	return d
}

// TestRecordedSessions: the card's side of every recorded session of SCP02 and SCP03. INITIALIZE UPDATE and EXTERNAL AUTHENTICATE are
// answered byte for byte as recorded, recorded commands unwrap to what was meant, and answers wrap to what was recorded.
func TestRecordedSessions(t *testing.T) {
	rows := sessionsOf(t)
	padded := 0
	for _, r := range rows {
		t.Run(r.ID, func(t *testing.T) { padded += replay(t, r) })
	}
	if len(rows) != 22 || padded != 1 {
		t.Errorf("%d sessions ran, %d answers had long padding", len(rows), padded)
	}
}

// replay counts the answers that were padded further than needed: one, in session A18.
func replay(t *testing.T, r recorded) (padded int) {
	d := domainOf(t, r, Config{}, quiet{})
	ch := d.Channel(0)
	begin := command(t, r.Initialize.Command)
	if r.Requested[0] != 0 && r.Requested[0] != r.KVN[0] { // A32: that card answers 70 to 20; here 20 does not exist
		if got := ch.Security(begin); got.SW != apdu.SWReferenceNotFound {
			t.Errorf("key version %02X: %s", begin.P1, got.SW)
		}
		begin.P1 = 0
	}
	if got := ch.Security(begin).Bytes(); !bytes.Equal(got, r.Initialize.Response) {
		t.Fatalf("INITIALIZE UPDATE\n%X, recorded\n%X", got, []byte(r.Initialize.Response))
	}
	if got := ch.Security(command(t, r.External.Command)); got.SW != apdu.SWOK {
		t.Fatalf("EXTERNAL AUTHENTICATE: %s", got.SW)
	}
	if got := ch.Level(); got != plug.Authenticated|r.Level[0] {
		t.Errorf("level %02X", got)
	}
	for i, x := range r.Exchanges {
		got, err := ch.Unwrap(command(t, x.Wrapped))
		want := command(t, x.Plain)
		if err != nil || !bytes.Equal(got.Data, want.Data) || !bytes.Equal(got.Header(), want.Header()) {
			t.Fatalf("exchange %d: %X %X, want %X %X, %v", i, got.Header(), got.Data, want.Header(), want.Data, err)
		}
		if x.Unwrapped == nil || len(x.Response) < 2 {
			continue
		}
		whole, err := apdu.ParseResponse(x.Response)
		if err != nil {
			t.Fatal(err)
		}
		out := ch.Wrap(apdu.Response{Data: *x.Unwrapped, SW: whole.SW}).Bytes()
		if n := len(x.Response) - len(out); n > 0 && n%16 == 0 && n < 32 {
			padded++
		} else if !bytes.Equal(out, x.Response) {
			t.Errorf("exchange %d answers %X, recorded %X", i, out, []byte(x.Response))
		}
	}
	return padded
}

func command(t testing.TB, b []byte) apdu.Command {
	t.Helper()
	c, err := apdu.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLogicalChannels: the channel in the class byte is no part of the MAC, and each channel has its own session.
func TestLogicalChannels(t *testing.T) {
	r := sessionsOf(t, "A3")[0]
	for _, ch := range []int{1, 3, 4, 19} {
		d := domainOf(t, r, Config{}, quiet{})
		on := func(b []byte) apdu.Command {
			c := command(t, b)
			cla, err := apdu.WithChannel(c.CLA, ch)
			if err != nil {
				t.Fatal(err)
			}
			c.CLA = cla
			return c
		}
		for _, b := range [][]byte{r.Initialize.Command, r.External.Command, r.Exchanges[0].Wrapped} {
			if got := d.Process(on(b)); got.SW != apdu.SWOK {
				t.Fatalf("channel %d: %s", ch, got.SW)
			}
		}
		if d.Channel(0).Level() != 0 || d.Channel(ch).Level() != 0x81 {
			t.Errorf("channel %d: levels %02X %02X", ch, d.Channel(0).Level(), d.Channel(ch).Level())
		}
	}
}

// TestFailedCheckAborts: a replay, a changed MAC and a changed byte are 6982; then 6985 until the session is ended and begun anew.
func TestFailedCheckAborts(t *testing.T) {
	for _, id := range []string{"A5", "A25"} {
		for name, spoil := range map[string]func(*apdu.Command){
			"mac":    func(c *apdu.Command) { c.Data[len(c.Data)-1] ^= 1 },
			"data":   func(c *apdu.Command) { c.Data[0] ^= 1 },
			"header": func(c *apdu.Command) { c.P1 ^= 1 },
			"short":  func(c *apdu.Command) { c.Data = c.Data[:7] },
		} {
			t.Run(id+" "+name, func(t *testing.T) {
				r := sessionsOf(t, id)[0]
				d := domainOf(t, r, Config{}, quiet{})
				ch := d.Channel(0)
				ch.Security(command(t, r.Initialize.Command))
				if got := ch.Security(command(t, r.External.Command)); got.SW != apdu.SWOK {
					t.Fatal(got.SW)
				}
				c := command(t, r.Exchanges[0].Wrapped)
				spoil(&c)
				if _, err := ch.Unwrap(c); err != apdu.SWSecurityStatus {
					t.Fatalf("%v", err)
				}
				if _, err := ch.Unwrap(command(t, r.Exchanges[0].Wrapped)); err != apdu.SWConditions || ch.Level() != 0 {
					t.Errorf("the session goes on: %v, level %02X", err, ch.Level())
				}
				ch.Reset()
				if _, err := ch.Unwrap(c); err != apdu.SWSecurityStatus {
					t.Errorf("after the end: %v", err)
				}
			})
		}
	}
}

// TestReplay: the same command does not count twice.
func TestReplay(t *testing.T) {
	r := sessionsOf(t, "A24")[0]
	d := domainOf(t, r, Config{}, quiet{})
	ch := d.Channel(0)
	ch.Security(command(t, r.Initialize.Command))
	ch.Security(command(t, r.External.Command))
	c := command(t, r.Exchanges[0].Wrapped)
	if _, err := ch.Unwrap(c); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Unwrap(c); err != apdu.SWSecurityStatus {
		t.Errorf("a replay: %v", err)
	}
}

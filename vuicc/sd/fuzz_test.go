package sd

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
)

// seeds are whole commands of the vectors, plain.
func seeds(t testing.TB) [][]byte {
	var all struct{ Commands []struct{ APDU vectors.Hex } }
	vectors.Load(t, "gp_install_params.json", &all)
	var out [][]byte
	for _, c := range all.Commands {
		if len(c.APDU) > 0 {
			out = append(out, c.APDU)
		}
	}
	for _, r := range sessionsOf(t) {
		for _, x := range r.Exchanges {
			out = append(out, x.Plain)
		}
	}
	return out
}

// FuzzCommands: three commands, one behind the other, in a session, or in clear and with a false MAC outside one. Whatever they say, the
// card answers, keeps what it answers within a response, can be opened again, and still takes its own key.
func FuzzCommands(f *testing.F) {
	all := seeds(f)
	for n := range all {
		f.Add(all[n], all[(n+1)%len(all)], all[(n+2)%len(all)])
	}
	f.Fuzz(func(t *testing.T, x, y, z []byte) {
		b := installed(t)
		for _, raw := range [][]byte{x, y, z} {
			c, err := apdu.Parse(raw)
			if err != nil {
				return
			}
			inside := b.d.manage(apdu.Command{CLA: 0x80, INS: c.INS, P1: c.P1, P2: c.P2, Data: c.Data, Le: c.Le})
			outside := b.d.Process(c)
			for _, r := range []apdu.Response{inside, outside} {
				if len(r.Data) > 256 || r.SW < 0x6000 {
					t.Fatalf("%d bytes, %s", len(r.Data), r.SW)
				}
			}
		}
		before, err := json.Marshal([]any{b.d.fixed, b.d.keys, b.d.reg})
		if err != nil {
			t.Fatal(err)
		}
		b.d.Reset()
		after, err := json.Marshal([]any{b.d.fixed, b.d.keys, b.d.reg})
		if err != nil || !bytes.Equal(before, after) {
			t.Fatalf("the memory says otherwise:\n%s\n%s", before, after)
		}
		if _, ok := b.d.find(0); !ok {
			t.Fatal("no key set is left")
		}
	})
}

// FuzzUnwrap: no bytes but the recorded ones pass.
func FuzzUnwrap(f *testing.F) {
	rows := map[byte]recorded{2: sessionsOf(f, "A32-03")[0], 3: sessionsOf(f, "A25")[0]}
	for scp, r := range rows {
		f.Add(scp, []byte(r.Exchanges[0].Wrapped))
	}
	f.Fuzz(func(t *testing.T, scp byte, raw []byte) {
		r := rows[2+scp%2]
		d := domainOf(t, r, Config{}, quiet{})
		ch := d.Channel(0)
		begin := command(t, r.Initialize.Command)
		begin.P1 = 0
		ch.Security(begin)
		ch.Security(command(t, r.External.Command))
		c, err := apdu.Parse(raw)
		if err != nil {
			return
		}
		want := command(t, r.Exchanges[0].Wrapped)
		plain, err := ch.Unwrap(c)
		if err == nil && (!bytes.Equal(c.Data, want.Data) || c.INS != want.INS || c.P1 != want.P1 || c.P2 != want.P2) {
			t.Fatalf("%X passes as %v", raw, plain)
		}
	})
}

func FuzzCAP(f *testing.F) {
	f.Add(recordedCAP(f))
	f.Add(capFile(packageAID, [][]byte{moduleAID}, platform))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parseCAP(b)
		if err == nil && (!validAID(file.AID) || len(file.Imports) > 255 || len(file.Modules) > 255) {
			t.Fatalf("%+v", file)
		}
	})
}

func FuzzInstallParameters(f *testing.F) {
	rows := parametersOf(f)
	for _, row := range rows.Fields {
		f.Add([]byte(row.Encoded))
	}
	for _, row := range rows.UICC {
		f.Add(append([]byte{0xC9, 0, 0xEA, byte(len(row.Encoded))}, row.Encoded...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseInstallParameters(b)
		if err != nil {
			return
		}
		if p.Toolkit != nil && (p.Toolkit.Timers > 8 || p.Toolkit.Priority == 0) || p.Volatile < 0 || p.NonVolatile < 0 {
			t.Fatalf("%+v", p)
		}
	})
}

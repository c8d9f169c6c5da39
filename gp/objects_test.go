package gp_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/vectors"
)

type component struct {
	Type   vectors.Hex
	Length int
}

type parsing struct {
	FCI []struct {
		ID       string
		Hex, AID vectors.Hex
		Most     int `json:"max_command_data"`
	} `json:"select_fci"`
	Keys []struct {
		ID   string
		Hex  vectors.Hex
		Keys []struct {
			ID, KVN       vectors.Hex
			Components    []component
			Usage, Access vectors.Hex
		}
	} `json:"key_information"`
	CPLC []struct {
		ID     string
		Hex    vectors.Hex
		Fields map[string]vectors.Hex
	}
	Status []struct {
		ID, Kind string
		Hex      vectors.Hex
		Entries  []entry
	} `json:"get_status"`
	Paging []struct {
		ID    string
		Pages []struct {
			P2, Data, SW vectors.Hex
		}
		Entries []entry
	} `json:"get_status_paging"`
	Resources []struct {
		ID           string
		Hex          vectors.Hex
		Applications int
		NonVolatile  int `json:"free_non_volatile"`
		Volatile     int `json:"free_volatile"`
	} `json:"card_resources"`
}

type entry struct {
	AID, LifeCycle vectors.Hex
	State          vectors.Hex `json:"life_cycle"`
	Name           string      `json:"life_cycle_name"`
	Privileges     vectors.Hex
	Names          []string    `json:"privilege_names"`
	LoadFile       vectors.Hex `json:"load_file"`
	Version        vectors.Hex
	Domain         vectors.Hex `json:"security_domain"`
	Implicit       []string    `json:"implicit_selection"`
}

func answers(t testing.TB) parsing {
	t.Helper()
	var p parsing
	vectors.Load(t, "gp_parsing.json", &p)
	return p
}

func TestFCI(t *testing.T) {
	for _, row := range answers(t).FCI {
		f, err := gp.ParseFCI(row.Hex)
		if err != nil || !bytes.Equal(f.AID, row.AID) || f.MaxCommand != row.Most {
			t.Errorf("%s: %+v, %v", row.ID, f, err)
		}
		vectors.Use(t, row.ID)
	}
}

func TestKeyInformation(t *testing.T) {
	for _, row := range answers(t).Keys {
		vectors.Use(t, row.ID)
		got, err := gp.ParseKeyInformation(row.Hex)
		if err != nil || len(got) != len(row.Keys) {
			t.Errorf("%s: %d keys, want %d, %v", row.ID, len(got), len(row.Keys), err)
			continue
		}
		for i, k := range row.Keys {
			text := ""
			for _, c := range k.Components {
				text += fmt.Sprintf("%02X/%d ", c.Type[0], c.Length)
			}
			have := ""
			for _, c := range got[i].Components {
				have += fmt.Sprintf("%02X/%d ", c.Type, c.Length)
			}
			if got[i].ID != k.ID[0] || got[i].KVN != k.KVN[0] || have != text || !bytes.Equal(got[i].Usage, k.Usage) || !bytes.Equal(got[i].Access, k.Access) {
				t.Errorf("%s key %d: %+v, want %s", row.ID, i, got[i], text)
			}
		}
	}
}

func TestSequenceCounter(t *testing.T) {
	for text, want := range map[string]string{"C1020005": "5 2", "C103000100": "256 3", "C102FFFF": "65535 2", "C101FF": "refused", "C100": "refused", "42020005": "refused", "C1": "refused", "": "refused"} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		got := "refused"
		if counter, size, err := gp.ParseSequenceCounter(raw); err == nil {
			got = fmt.Sprint(counter, size)
		} else if !errors.Is(err, gp.ErrObject) {
			t.Errorf("%s: %v", text, err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestCPLC(t *testing.T) {
	for _, row := range answers(t).CPLC {
		vectors.Use(t, row.ID)
		got, err := gp.ParseCPLC(row.Hex)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		for name, want := range row.Fields {
			if !bytes.Equal(got[name], want) {
				t.Errorf("%s %s: %X, want %X", row.ID, name, got[name], []byte(want))
			}
		}
	}
}

func TestResources(t *testing.T) {
	for _, row := range answers(t).Resources {
		vectors.Use(t, row.ID)
		got, err := gp.ParseResources(row.Hex)
		if err != nil || got != (gp.Resources{Applications: row.Applications, FreeNonVolatile: row.NonVolatile, FreeVolatile: row.Volatile}) {
			t.Errorf("%s: %+v, %v", row.ID, got, err)
		}
	}
}

func compare(t *testing.T, id string, got []gp.RegistryEntry, want []entry) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d entries, want %d", id, len(got), len(want))
		return
	}
	for i, w := range want {
		g := got[i]
		if !bytes.Equal(g.AID, w.AID) || g.State != w.State[0] || !bytes.Equal(g.LoadFile, w.LoadFile) || !bytes.Equal(g.Version, w.Version) || !bytes.Equal(g.Domain, w.Domain) {
			t.Errorf("%s entry %d: %+v", id, i, g)
		}
		if w.Privileges != nil && !bytes.Equal(g.Privileges, w.Privileges) {
			t.Errorf("%s entry %d: privileges %X", id, i, g.Privileges)
		}
		if w.Names != nil && strings.Join(gp.PrivilegeNames(g.Privileges), " ") != strings.Join(w.Names, " ") {
			t.Errorf("%s entry %d: %v", id, i, gp.PrivilegeNames(g.Privileges))
		}
		if len(g.Implicit) != len(w.Implicit) {
			t.Errorf("%s entry %d: implicit selection %X", id, i, g.Implicit)
		}
	}
}

func TestRegistryAnswers(t *testing.T) {
	kinds := map[string]gp.Kind{"isd": gp.Domains, "application": gp.Applications, "load-file": gp.LoadFiles}
	for _, row := range answers(t).Status {
		vectors.Use(t, row.ID)
		parse := gp.ParseStatus
		if row.Hex[0] != 0xE3 {
			parse = func(b []byte) ([]gp.RegistryEntry, error) { return gp.ParseStatusPlain(kinds[row.Kind], b) }
		}
		got, err := parse(row.Hex)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		compare(t, row.ID, got, row.Entries)
		for i, w := range row.Entries {
			if w.Name != "" && gp.StateName(kinds[row.Kind], got[i].State) != w.Name {
				t.Errorf("%s: %s, want %s", row.ID, gp.StateName(kinds[row.Kind], got[i].State), w.Name)
			}
		}
	}
}

// TestRegistryPages joins pages, and an entry that a page border cuts; 6A88 is empty; other refusals are errors.
func TestRegistryPages(t *testing.T) {
	for _, row := range answers(t).Paging {
		vectors.Use(t, row.ID)
		var all []byte
		for _, p := range row.Pages {
			all = append(all, p.Data...)
		}
		for _, cut := range []int{0, 1, 7, 20, len(all) - 1} {
			card := apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
				switch c.P2 {
				case 0x02:
					return apdu.Response{Data: all[:cut], SW: apdu.SWMoreData}, nil
				case 0x03:
					return apdu.Response{Data: all[cut:], SW: apdu.SWOK}, nil
				}
				return apdu.Response{SW: apdu.SWWrongP1P2}, nil
			})
			got, err := gp.Registry(context.Background(), card, gp.LoadFiles)
			if err != nil {
				t.Errorf("%s cut at %d: %v", row.ID, cut, err)
				continue
			}
			compare(t, row.ID, got, row.Entries)
		}
	}
	for sw, fails := range map[apdu.SW]bool{apdu.SWReferenceNotFound: false, apdu.SWSecurityStatus: true, apdu.SWMoreData: true} {
		card := apdu.TransmitterFunc(func(context.Context, apdu.Command) (apdu.Response, error) { return apdu.Response{SW: sw}, nil })
		got, err := gp.Registry(context.Background(), card, gp.Applications)
		if (err != nil) != fails || len(got) != 0 {
			t.Errorf("%s: %v, %v", sw.String(), got, err)
		}
	}
}

// TestOldForm: a card that refuses the TLV form is asked in the old one; pages are joined there too. What is cut is an error.
func TestOldForm(t *testing.T) {
	all := []byte{
		0x05, 0xA0, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x02, 0x06, 0xA0, 0x00, 0x00, 0x00, 0x01, 0x01, 0x06, 0xA0, 0x00, 0x00, 0x00, 0x01, 0x02,
		0x07, 0xA0, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00,
	}
	want := []gp.RegistryEntry{
		{AID: all[1:6], State: 0x01, Privileges: []byte{0x00}, Modules: [][]byte{all[10:16], all[17:23]}},
		{AID: all[24:31], State: 0x01, Privileges: []byte{0x00}},
	}
	const cut = 19
	card := apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
		switch c.P2 {
		case 0x00:
			return apdu.Response{Data: all[:cut], SW: apdu.SWMoreData}, nil
		case 0x01:
			return apdu.Response{Data: all[cut:], SW: apdu.SWOK}, nil
		}
		return apdu.Response{SW: apdu.SWWrongP1P2}, nil
	})
	got, err := gp.Registry(context.Background(), card, gp.Modules)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for n := range all {
		if n == 23 { // a whole entry
			continue
		}
		if got, err := gp.ParseStatusPlain(gp.Modules, all[:n]); err == nil && n > 0 {
			t.Errorf("cut at %d: %v", n, got)
		}
	}
}

func FuzzCardObjects(f *testing.F) {
	p := answers(f)
	for _, row := range p.Status {
		f.Add([]byte(row.Hex))
	}
	for _, row := range p.Keys {
		f.Add([]byte(row.Hex))
	}
	for _, row := range p.CPLC {
		f.Add([]byte(row.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err1 := gp.ParseStatus(b)
		_, err2 := gp.ParseStatusPlain(gp.Modules, b)
		_, _ = gp.ParseStatusPlain(gp.Applications, b)
		_, _ = gp.ParseCardData(b)
		_, _ = gp.ParseCapabilities(b)
		_, err3 := gp.ParseFCI(b)
		_, err4 := gp.ParseKeyInformation(b)
		_, err5 := gp.ParseCPLC(b)
		_, err6 := gp.ParseResources(b)
		if len(b) == 0 && errors.Join(err3, err4, err5, err6) == nil {
			t.Fatal("nothing was accepted as something", err1, err2)
		}
	})
}

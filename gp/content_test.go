package gp_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/vectors"
	"github.com/simbind/simbind/tlv"
)

type toolkitRow struct {
	Domain   vectors.Hex `json:"access_domain"`
	Priority byte
	Timers   byte            `json:"max_timers"`
	Text     byte            `json:"max_menu_text"`
	Menu     [][]vectors.Hex `json:"menu_entries"`
	Channels byte            `json:"max_channels"`
	Level    vectors.Hex     `json:"minimum_security_level"`
	TARs     []vectors.Hex   `json:"tars"`
	Services byte            `json:"max_services"`
}

func (r toolkitRow) menu() [][2]byte {
	var out [][2]byte
	for _, e := range r.Menu {
		out = append(out, [2]byte{e[0][0], e[1][0]})
	}
	return out
}

func (r toolkitRow) tars() [][3]byte {
	var out [][3]byte
	for _, t := range r.TARs {
		out = append(out, [3]byte(t))
	}
	return out
}

func (r toolkitRow) uicc() *gp.Toolkit {
	return &gp.Toolkit{Priority: r.Priority, Timers: r.Timers, MenuText: r.Text, Menu: r.menu(), Channels: r.Channels, SecurityLevel: r.Level, TARs: r.tars(), Services: r.Services}
}

type contentVectors struct {
	Parameters []struct {
		ID, Application string
		NonVolatile     int         `json:"non_volatile_quota"`
		Volatile        int         `json:"volatile_quota"`
		SIM             vectors.Hex `json:"sim_toolkit"`
		Toolkit         vectors.Hex `json:"uicc_toolkit"`
		Encoded         vectors.Hex
	} `json:"install_parameters"`
	UICC []struct {
		ID      string
		Toolkit *toolkitRow
		Access  []struct {
			AID    vectors.Hex
			Domain vectors.Hex `json:"access_domain"`
		}
		Encoded vectors.Hex
	} `json:"uicc_parameters"`
	Domains []struct {
		ID, Meaning string
		Value       vectors.Hex
	} `json:"access_domains"`
	SIM []struct {
		ID string
		toolkitRow
		Encoded vectors.Hex
	} `json:"sim_parameters"`
	Data []struct {
		ID, Name                                       string
		LoadFile                                       vectors.Hex `json:"load_file"`
		Domain                                         vectors.Hex `json:"security_domain"`
		Module, Instance, Privileges, Parameters, Data vectors.Hex
	} `json:"command_data"`
	Commands []struct {
		ID, Name                                      string
		LoadFile                                      vectors.Hex `json:"load_file"`
		Domain                                        vectors.Hex `json:"security_domain"`
		Module, Instance, Privileges, Parameters, AID vectors.Hex
		Related                                       bool
		Scope                                         string
		KeyID                                         vectors.Hex `json:"key_id"`
		KVN, State, Data                              vectors.Hex
		Length                                        int `json:"data_length"`
		LoadLength                                    int `json:"load_file_length"`
		Block                                         int
		Headers                                       []vectors.Hex
		Object                                        string
		APDU                                          vectors.Hex
	}
	Blocks []struct {
		ID     string
		Base   vectors.Hex `json:"base_p1"`
		Blocks int
		P1, P2 []vectors.Hex
	} `json:"store_data_blocks"`
	Privileges []struct {
		ID      string
		Names   []string
		Encoded vectors.Hex
		Expect  string
	}
}

func content(t *testing.T) contentVectors {
	t.Helper()
	var v contentVectors
	vectors.Load(t, "gp_install_params.json", &v)
	return v
}

func TestToolkitParameters(t *testing.T) {
	for _, row := range content(t).UICC {
		p := gp.InstallParameters{}
		if row.Toolkit != nil {
			p.Toolkit = row.Toolkit.uicc()
		}
		for _, a := range row.Access {
			p.Access = append(p.Access, gp.Access{ADF: a.AID, Domain: a.Domain})
		}
		got, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		same(t, row.ID, got, append([]byte{0xC9, 0x00, 0xEA, byte(len(row.Encoded))}, row.Encoded...))
		vectors.Use(t, row.ID)
	}
	for _, row := range content(t).SIM {
		k := gp.SIMToolkit{
			Domain: row.Domain, Priority: row.Priority, Timers: row.Timers, MenuText: row.Text, Menu: row.menu(), Channels: row.Channels,
			SecurityLevel: row.Level, TARs: row.tars(), NoTARs: row.TARs == nil,
		}
		same(t, row.ID, k.Encode(), row.Encoded)
		vectors.Use(t, row.ID)
	}
}

func TestInstallParameters(t *testing.T) {
	ran := 0
	for _, row := range content(t).Parameters {
		vectors.Use(t, row.ID)
		if row.SIM != nil {
			simParameters(t, row.ID, row.Volatile, row.NonVolatile, row.SIM, row.Encoded)
			continue
		}
		ran++
		var application vectors.Hex
		if err := application.UnmarshalText([]byte(row.Application)); err != nil {
			t.Fatal(err)
		}
		p := gp.InstallParameters{Application: application}
		if row.Volatile > 0 {
			p.Quota = &gp.Quota{Volatile: row.Volatile, NonVolatile: row.NonVolatile}
		}
		if row.Toolkit != nil {
			p.Toolkit = &gp.Toolkit{Priority: 1, Timers: 1, TARs: [][3]byte{{0x42, 0x4D, 0x01}}}
			usim := vectors.Hex{0xA0, 0, 0, 0, 0x87, 0x10, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x03, 0x02, 0, 0}
			p.Access = []gp.Access{{Domain: gp.FullAccess}, {ADF: usim, Domain: gp.FullAccess}}
		}
		got, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		same(t, row.ID, got, row.Encoded)
	}
	if ran != 2 {
		t.Errorf("%d rows ran", ran)
	}
	both := gp.InstallParameters{Toolkit: &gp.Toolkit{}, SIM: &gp.SIMToolkit{}}
	if _, err := both.Encode(); err == nil {
		t.Error("EA and CA together were accepted")
	}
	for _, bad := range []gp.Access{{Domain: nil}, {Domain: []byte{2, 0}}, {ADF: []byte{1, 2}, Domain: gp.FullAccess}} {
		if _, err := gp.EncodeAccess([]gp.Access{{Domain: gp.FullAccess}, bad}); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// simParameters: the objects inside EF are those recorded, in another order (C8 stood before C7 there; the order is the writer's).
func simParameters(t *testing.T, id string, volatile, nonVolatile int, sim, recorded []byte) {
	t.Helper()
	k := gp.SIMToolkit{Domain: []byte{0}, Priority: 1, MenuText: 21, Menu: make([][2]byte, 5), NoTARs: true}
	same(t, id, k.Encode(), sim)
	p := gp.InstallParameters{Quota: &gp.Quota{Volatile: volatile, NonVolatile: nonVolatile}, SIM: &k}
	got, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if a, b := system(t, got), system(t, recorded); !bytes.Equal(got[:3], recorded[:3]) || asJSON(t, a) != asJSON(t, b) || len(a) != 3 {
		t.Errorf("%s: %X, want the objects of %X", id, got, recorded)
	}
}

// system gives the objects of EF, behind C9, by tag.
func system(t *testing.T, field []byte) map[string][]byte {
	t.Helper()
	objects, err := tlv.Parse(field)
	if err != nil || len(objects) != 2 || objects[0].Tag != 0xC9 {
		t.Fatalf("%X: %v, %v", field, objects, err)
	}
	inner, err := tlv.Parse(objects[1].Value)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, o := range inner {
		out[o.Tag.String()] = o.Value
	}
	return out
}

// TestAccessDomains: every domain goes into the tree of MF and into that of an ADF as it is.
func TestAccessDomains(t *testing.T) {
	adf := []byte{0xA0, 0, 0, 0, 0x87, 0x10, 0x02}
	for _, row := range content(t).Domains {
		got, err := gp.EncodeAccess([]gp.Access{{Domain: row.Value}, {ADF: adf, Domain: row.Value}})
		if err != nil {
			t.Fatal(err)
		}
		domain := append(append([]byte{byte(len(row.Value))}, row.Value...), 0x00)
		want := append(append([]byte{0x00}, domain...), byte(len(adf)))
		same(t, row.ID, got, append(append(want, adf...), domain...))
		if meant, ok := map[string][]byte{"full access": gp.FullAccess, "no access": gp.NoAccess}[row.Meaning]; ok {
			same(t, row.ID, meant, row.Value)
		}
		vectors.Use(t, row.ID)
	}
}

// status: GET STATUS is as recorded but for the tag list, which is left out so that the card tells all it has, and the AID of a filter.
func status(t *testing.T, id, scope string, recorded []byte) {
	t.Helper()
	kind, ok := map[string]gp.Kind{"isd": gp.Domains, "applications": gp.Applications, "load-files": gp.LoadFiles, "load-files-and-modules": gp.Modules}[scope]
	if !ok {
		t.Fatalf("%s: scope %q", id, scope)
	}
	want, err := apdu.Parse(recorded)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := tlv.Parse(want.Data)
	if err != nil || len(objects) != 2 || objects[0].Tag != 0x4F || objects[1].Tag != 0x5C {
		t.Fatalf("%s: %v, %v", id, objects, err)
	}
	c := gp.GetStatus(kind, false)
	same(t, id, c.Header(), want.Header())
	same(t, id, c.Data, tlv.Encode(0x4F, nil))
	if c.Le != want.Le {
		t.Errorf("%s: Le %d, want %d", id, c.Le, want.Le)
	}
}

func TestContentCommands(t *testing.T) {
	v := content(t)
	ran := 0
	check := func(id string, want []byte, c apdu.Command, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", id, err)
			return
		}
		got, err := c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == len(want)+1 { // recorded without Le
			got = got[:len(want)]
		}
		same(t, id, got, want)
		ran++
	}
	for _, row := range v.Data {
		c, err := gp.InstallForLoad(row.LoadFile, row.Domain, nil, nil)
		if row.Name != "install-for-load" {
			c, err = gp.InstallForInstall(gp.Instance{LoadFile: row.LoadFile, Module: row.Module, AID: row.Instance, Privileges: row.Privileges, Parameters: row.Parameters}, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		same(t, row.ID, c.Data, row.Data)
		vectors.Use(t, row.ID)
	}
	for _, row := range v.Commands {
		vectors.Use(t, row.ID)
		instance := gp.Instance{LoadFile: row.LoadFile, Module: row.Module, AID: row.Instance, Privileges: row.Privileges, Parameters: row.Parameters}
		switch row.Name {
		case "install-for-load":
			c, err := gp.InstallForLoad(row.LoadFile, row.Domain, nil, nil)
			check(row.ID, row.APDU, c, err)
		case "install-for-install", "install-for-install-and-make-selectable":
			c, err := gp.InstallForInstall(instance, row.Name != "install-for-install")
			check(row.ID, row.APDU, c, err)
		case "install-for-personalization":
			c, err := gp.InstallForPersonalization(row.Instance)
			check(row.ID, row.APDU, c, err)
		case "delete":
			check(row.ID, row.APDU, gp.Delete(row.AID, row.Related), nil)
		case "delete-key":
			id := byte(0)
			if row.KeyID != nil {
				id = row.KeyID[0]
			}
			check(row.ID, row.APDU, gp.DeleteKeys(row.KVN[0], id), nil)
		case "set-status":
			kind := gp.Applications
			if row.AID[0] == 0xA0 {
				kind = gp.Domains
			}
			c, err := gp.SetStatus(kind, row.AID, row.State[0])
			check(row.ID, row.APDU, c, err)
		case "load":
			cs, err := gp.Load(make([]byte, row.LoadLength), row.Block)
			headers(t, row.ID, cs, row.Headers, err)
			ran++
		case "store-data":
			storeRow(t, row.ID, row.APDU, row.Data, row.Length, row.Headers)
			ran++
		case "get-data":
			tag := gp.ObjectKeyInformation
			if row.Object == "card-data" {
				tag = gp.ObjectCardData
			}
			check(row.ID, row.APDU, gp.GetData(tag), nil)
		case "get-status":
			status(t, row.ID, row.Scope, row.APDU)
			ran++
		default:
			t.Errorf("%s: %s is not known here", row.ID, row.Name)
		}
	}
	if ran != len(v.Commands) {
		t.Errorf("%d commands ran of %d", ran, len(v.Commands))
	}
	if _, err := gp.SetStatus(gp.Domains, nil, 0xFF); err == nil {
		t.Error("TERMINATE was built")
	}
}

func headers(t *testing.T, id string, cs []apdu.Command, want []vectors.Hex, err error) {
	t.Helper()
	if err != nil || len(cs) != len(want) {
		t.Errorf("%s: %d blocks, want %d, %v", id, len(cs), len(want), err)
		return
	}
	for i, c := range cs {
		same(t, id, append(c.Header(), byte(len(c.Data))), want[i])
	}
}

func storeRow(t *testing.T, id string, recorded, data []byte, length int, want []vectors.Hex) {
	t.Helper()
	if recorded == nil {
		cs, err := gp.StoreData(gp.StoreDGI, make([]byte, length), 255)
		headers(t, id, cs, want, err)
		return
	}
	cs, err := gp.StoreData(recorded[2], data, 255)
	if err != nil || len(cs) != 1 {
		t.Fatalf("%s: %d blocks, %v", id, len(cs), err)
	}
	got, err := cs[0].Bytes()
	if err != nil || !bytes.HasPrefix(recorded, got) {
		t.Errorf("%s: %X, want %X", id, got, recorded)
	}
}

func TestBlockNumbers(t *testing.T) {
	for _, row := range content(t).Blocks {
		vectors.Use(t, row.ID)
		cs, err := gp.StoreData(row.Base[0], make([]byte, row.Blocks), 1)
		if err != nil || len(cs) != row.Blocks {
			t.Fatalf("%s: %d blocks, %v", row.ID, len(cs), err)
		}
		for i, c := range cs {
			if c.P1 != row.P1[i][0] || c.P2 != row.P2[i][0] {
				t.Errorf("%s block %d: %02X%02X", row.ID, i, c.P1, c.P2)
			}
		}
	}
	for _, most := range []int{0, -1, 256} {
		if _, err := gp.StoreData(0, []byte{1}, most); err == nil {
			t.Errorf("blocks of %d were accepted", most)
		}
	}
}

func TestPrivileges(t *testing.T) {
	for _, row := range content(t).Privileges {
		vectors.Use(t, row.ID)
		if row.Expect == "error" {
			if _, err := gp.InstallForInstall(gp.Instance{Privileges: row.Encoded}, true); err == nil {
				t.Errorf("%s: accepted", row.ID)
			}
			continue
		}
		got, want := map[string]bool{}, map[string]bool{}
		for _, n := range gp.PrivilegeNames(row.Encoded) {
			got[n] = true
		}
		for _, n := range row.Names {
			want[n] = true
		}
		if a, b := asJSON(t, got), asJSON(t, want); a != b {
			t.Errorf("%s: %s, want %s", row.ID, a, b)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
